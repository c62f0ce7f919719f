#pragma once

#include <projector/plugin.h>

struct pg_result;

namespace projector::eventlog {

/// The columns of the events table in the order in which decode_row expects them, as the list of a SELECT.
inline constexpr const char* kEventColumns =
    "global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
    "event_version, payload, metadata::text, trace_id, correlation_id, causation_id, created_at";

/// Converts one row of kEventColumns from binary format to what plugins get. Its text points into the result. Throws
/// UnreadableEvent if a required value is NULL.
projector_event decode_row(const pg_result* result, int row);

} // namespace projector::eventlog
