#include "eventlog/large_rows.hpp"

#include "eventlog/row_decoder.hpp"
#include "eventlog/unreadable_event.hpp"
#include "pg/quote.hpp"

#include <fmt/core.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace projector::eventlog {
namespace {

constexpr std::size_t kPiece = 2 * kSegmentBytes;

/// The payload's bytes in pieces, in the transaction whose snapshot its size is of.
void read_payload(pg::Connection& connection, const Store& store, std::int64_t position, char* to, std::size_t size) {
  const std::string sql =
      fmt::format("SELECT substring(payload FROM $2::int FOR $3::int) FROM {} WHERE global_position = $1", store.table);
  for (std::size_t done = 0; done < size;) {
    const std::size_t most = std::min(kPiece, size - done);
    const auto piece = connection.exec(
        sql,
        pg::Parameters().int8(position).int8(static_cast<std::int64_t>(done) + 1).int8(static_cast<std::int64_t>(most)),
        pg::Format::Binary);
    if (piece.rows() != 1 || piece.bytes(0, 0).size() != most) {
      throw std::runtime_error(
          fmt::format("the payload of the event at position {} changed while it was read", position));
    }
    std::memcpy(to + done, piece.bytes(0, 0).data(), most);
    done += most;
  }
}

} // namespace

std::string rows_without_large_text(const std::string& table) {
  return fmt::format("(SELECT global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, "
                     "event_id, event_type, event_version, CASE WHEN large THEN ''::bytea ELSE payload END AS payload, "
                     "CASE WHEN large THEN NULL ELSE metadata END AS metadata, trace_id, correlation_id, "
                     "causation_id, created_at, large FROM {0} CROSS JOIN LATERAL (SELECT octet_length(payload) > {1} "
                     "OR coalesce(pg_column_size(metadata) > {1}, false) AS large) l)",
                     table, kSegmentBytes);
}

bool is_large(const pg_result* row) {
  const int column = PQnfields(row) - 1;
  return PQgetisnull(row, 0, column) == 0 && *PQgetvalue(row, 0, column) != 0;
}

bool may_hold_large_rows(pg::Connection& connection, const Store& store) {
  return connection
      .exec(
          fmt::format("SELECT EXISTS (SELECT FROM pg_partition_tree({}::regclass) p JOIN pg_class c ON c.oid = p.relid "
                      "WHERE c.reltoastrelid <> 0 AND pg_relation_size(c.reltoastrelid) > 0)",
                      pg::quote_literal(store.table)))
      .boolean(0, 0);
}

bool append_large_row(pg::Connection& connection, const Store& store, std::int64_t position, SegmentBuilder& builder,
                      const std::function<void(std::size_t bytes)>& found) {
  connection.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto row = connection.exec(
      fmt::format("SELECT {}, size FROM (SELECT global_position, bounded_context, aggregate_type, aggregate_id, "
                  "aggregate_version, event_id, event_type, event_version, ''::bytea AS payload, metadata, trace_id, "
                  "correlation_id, causation_id, created_at, octet_length(payload)::text AS size FROM {} "
                  "WHERE global_position = $1) r",
                  kEventColumns, store.table),
      pg::Parameters().int8(position), pg::Format::Binary);
  if (row.rows() > 1) {
    throw UnreadableEvent(position, "global_position", "another row has the same position");
  }
  if (row.rows() != 0) {
    projector_event event = decode_row(row.get(), 0);
    const std::string_view size = row.bytes(0, row.columns() - 1);
    std::from_chars(size.data(), size.data() + size.size(), event.payload.size);
    found(text_bytes(event));
    char* payload = builder.append_without_payload(event);
    read_payload(connection, store, position, payload, event.payload.size);
  }
  connection.exec("COMMIT");
  return row.rows() != 0;
}

} // namespace projector::eventlog
