#pragma once

#include <string>

namespace projector::eventlog {

/// The statements that create missing tables of the event store and, if `role` is not empty, the grants that a host
/// running as that role needs there. `events_table` is as configured. Ends with a line feed.
std::string store_schema(const std::string& events_table, const std::string& role);

/// A query of a row for the highest position and one for each element of $1, a bigint[]: the element (NULL in the
/// first), the highest position, and the age in microseconds of the oldest event above the element (NULL if there is
/// none). It takes two index look-ups per element, however large the lag is.
std::string lag_query(const std::string& events_table);

} // namespace projector::eventlog
