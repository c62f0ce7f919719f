#pragma once

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <string>

struct pg_result;

namespace projector::eventlog {

/// The columns of the events table in the order in which decode_row expects them, as the list of a SELECT.
inline constexpr const char* kEventColumns =
    "global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
    "event_version, payload, metadata::text, trace_id, correlation_id, causation_id, created_at";

/// The same list. A row whose payload or metadata has more than `most_text` bytes comes without that text: libpq would
/// need twice that memory, and does not free its buffer.
std::string event_columns_without_large_text(std::size_t most_text);
/// Whether an event of that list came without its payload or metadata. Also true if the payload is NULL.
bool lacks_text(const projector_event& event) noexcept;
/// Throws UnreadableEvent if the payload is NULL.
void require_payload(const projector_event& event);

/// The position of a row of either list. Throws UnreadableEvent if it is NULL.
std::int64_t decode_position(const pg_result* result, int row);
/// Converts one row of either list from binary format to what plugins get. Its text points into the result. Throws
/// UnreadableEvent if a required value is NULL, except for the payload.
projector_event decode_row(const pg_result* result, int row);

} // namespace projector::eventlog
