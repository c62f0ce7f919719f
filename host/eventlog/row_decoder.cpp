#include "eventlog/row_decoder.hpp"

#include "eventlog/unreadable_event.hpp"

#include <endian.h>
#include <fmt/core.h>
#include <libpq-fe.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace projector::eventlog {
namespace {

enum Column {
  kGlobalPosition,
  kBoundedContext,
  kAggregateType,
  kAggregateId,
  kAggregateVersion,
  kEventId,
  kEventType,
  kEventVersion,
  kPayload,
  kMetadata,
  kTraceId,
  kCorrelationId,
  kCausationId,
  kCreatedAt,
};

constexpr const char* kIsNull = "it is NULL, and every event has a value there";

[[noreturn]] void refuse(const pg_result* result, int row, int column, const std::string& found) {
  std::uint64_t position = 0;
  if (PQgetlength(result, row, kGlobalPosition) == sizeof position) {
    std::memcpy(&position, PQgetvalue(result, row, kGlobalPosition), sizeof position);
  }
  throw UnreadableEvent(static_cast<std::int64_t>(be64toh(position)), PQfname(result, column), found);
}

const char* fixed(const pg_result* result, int row, int column, int size) {
  const int found = PQgetlength(result, row, column);
  if (found != size) {
    refuse(result, row, column,
           found == 0 && PQgetisnull(result, row, column)
               ? kIsNull
               : fmt::format("it has {} bytes where {} are expected", found, size));
  }
  return PQgetvalue(result, row, column);
}

std::int64_t int8(const pg_result* result, int row, int column) {
  std::uint64_t bytes;
  std::memcpy(&bytes, fixed(result, row, column, sizeof bytes), sizeof bytes);
  return static_cast<std::int64_t>(be64toh(bytes));
}

std::int32_t int4(const pg_result* result, int row, int column) {
  std::uint32_t bytes;
  std::memcpy(&bytes, fixed(result, row, column, sizeof bytes), sizeof bytes);
  return static_cast<std::int32_t>(be32toh(bytes));
}

projector_str text(const pg_result* result, int row, int column) {
  const int size = PQgetlength(result, row, column);
  if (size == 0 && PQgetisnull(result, row, column)) {
    return {nullptr, 0};
  }
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(size)};
}

projector_str required_text(const pg_result* result, int row, int column) {
  const projector_str found = text(result, row, column);
  if (found.data == nullptr) {
    refuse(result, row, column, kIsNull);
  }
  return found;
}

/// PostgreSQL's infinity becomes the largest value instead of overflowing.
std::int64_t unix_microseconds(std::int64_t postgres) {
  std::int64_t sum;
  return __builtin_add_overflow(postgres, PROJECTOR_PG_EPOCH_US, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

/// A stored value of fewer than a 255th of the bytes is not compressed from more: LZ4 gains no greater factor.
constexpr std::size_t kBestCompression = 255;

} // namespace

std::string event_columns_without_large_text(std::size_t most_text) {
  // Each row is measured, so without a subquery, and without taking anything out of its compressed form where its
  // stored size tells enough. No JSON text is empty.
  return fmt::format(
      "global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
      "event_version, CASE WHEN octet_length(payload) <= {0} THEN payload END AS payload, CASE WHEN metadata IS NULL "
      "OR "
      "pg_column_size(metadata) <= {1} THEN metadata::text WHEN pg_column_size(metadata) <= {0} AND "
      "octet_length(metadata::text) <= {0} THEN metadata::text ELSE '' END AS metadata, trace_id, correlation_id, "
      "causation_id, created_at",
      most_text, most_text / kBestCompression);
}

bool lacks_text(const projector_event& event) noexcept {
  return event.payload.data == nullptr || (event.metadata.data != nullptr && event.metadata.size == 0);
}

void require_payload(const projector_event& event) {
  if (event.payload.data == nullptr) {
    throw UnreadableEvent(event.global_position, "payload", kIsNull);
  }
}

std::int64_t decode_position(const pg_result* result, int row) {
  return int8(result, row, kGlobalPosition);
}

projector_event decode_row(const pg_result* result, int row) {
  projector_event event;
  event.struct_size = sizeof event;
  event.global_position = int8(result, row, kGlobalPosition);
  event.bounded_context = required_text(result, row, kBoundedContext);
  event.aggregate_type = required_text(result, row, kAggregateType);
  event.aggregate_id = required_text(result, row, kAggregateId);
  event.aggregate_version = int8(result, row, kAggregateVersion);
  std::memcpy(event.event_id, fixed(result, row, kEventId, sizeof event.event_id), sizeof event.event_id);
  event.event_type = required_text(result, row, kEventType);
  event.event_version = int4(result, row, kEventVersion);
  event.payload = text(result, row, kPayload);
  event.metadata = text(result, row, kMetadata);
  event.trace_id = text(result, row, kTraceId);
  event.correlation_id = text(result, row, kCorrelationId);
  event.causation_id = text(result, row, kCausationId);
  event.created_at_us = unix_microseconds(int8(result, row, kCreatedAt));
  return event;
}

} // namespace projector::eventlog
