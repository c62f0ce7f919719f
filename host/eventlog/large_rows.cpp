#include "eventlog/large_rows.hpp"

#include "eventlog/row_decoder.hpp"
#include "eventlog/unreadable_event.hpp"
#include "pg/transaction.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace projector::eventlog {
namespace {

/// Of one text, at once. With what comes with it in a message, it fits libpq's buffer of 1 MiB, which grows by
/// doubling.
constexpr std::size_t kPiece = kSegmentBytes - 4096;
constexpr const char* kPayload = "payload";
constexpr const char* kMetadata = "convert_to(metadata::text, 'UTF8')";

/// A count that the server wrote as text; 0 for NULL.
std::size_t count(const pg::Result& row, std::size_t column) {
  std::size_t number = 0;
  const std::string_view text = row.bytes(0, column);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The bytes of an SQL expression in pieces, in the transaction whose snapshot their number is of. The server takes the
/// value out of its compressed form once, as it would to send it whole.
void read_in_pieces(pg::Connection& connection, const Store& store, std::int64_t position, const char* expression,
                    char* to, std::size_t size) {
  if (size == 0) {
    return;
  }
  const std::string sql = fmt::format(
      "SELECT at::text, substring(bytes FROM at FOR {0}) FROM (SELECT {1} || ''::bytea AS bytes FROM {2} WHERE "
      "global_position = $1 OFFSET 0) r CROSS JOIN LATERAL generate_series(1, octet_length(bytes), {0}) at",
      kPiece, expression, store.table);
  std::size_t done = 0;
  connection.stream(sql, pg::Parameters().int8(position), pg::Format::Binary, [&](const pg::Result& row) {
    const std::string_view piece = row.bytes(0, 1);
    const std::size_t at = count(row, 0) - 1;
    if (at + piece.size() > size) {
      throw std::runtime_error(fmt::format("the event at position {} changed while it was read", position));
    }
    std::memcpy(to + at, piece.data(), piece.size());
    done += piece.size();
    return true;
  });
  if (done != size) {
    throw std::runtime_error(fmt::format("the event at position {} changed while it was read", position));
  }
}

} // namespace

LargeRow append_large_row(pg::Connection& connection, const Store& store, std::int64_t position,
                          SegmentBuilder& builder, const std::function<bool(std::size_t bytes)>& accept) {
  pg::Transaction transaction(connection, pg::kBeginReading);
  const auto row = connection.exec(
      fmt::format(
          "SELECT {}, payload_size, metadata_size FROM (SELECT global_position, bounded_context, "
          "aggregate_type, aggregate_id, aggregate_version, event_id, event_type, event_version, CASE WHEN payload "
          "IS NOT NULL THEN ''::bytea END AS payload, NULL AS metadata, trace_id, correlation_id, causation_id, "
          "created_at, "
          "octet_length(payload)::text AS payload_size, octet_length({})::text AS metadata_size FROM {} "
          "WHERE global_position = $1) r",
          kEventColumns, kMetadata, store.table),
      pg::Parameters().int8(position), pg::Format::Binary);
  if (row.rows() > 1) {
    throw UnreadableEvent(position, "global_position", "another row has the same position");
  }
  if (row.rows() == 0) {
    transaction.commit();
    return LargeRow::Gone;
  }
  const std::size_t metadata = row.columns() - 1;
  projector_event event = decode_row(row.get(), 0);
  require_payload(event);
  event.payload.size = count(row, metadata - 1);
  if (!row.is_null(0, metadata)) {
    event.metadata = {"", count(row, metadata)};
  }
  if (!accept(text_bytes(event))) {
    return LargeRow::Refused;
  }
  const SegmentBuilder::Room room = builder.append_without_large_text(event);
  read_in_pieces(connection, store, position, kPayload, room.payload, event.payload.size);
  read_in_pieces(connection, store, position, kMetadata, room.metadata, event.metadata.size);
  transaction.commit();
  return LargeRow::Appended;
}

} // namespace projector::eventlog
