#pragma once

#include <string>

namespace projector::eventlog {

/// The statements that make the event store's tables where they are absent, and, with a role, the grants that a host
/// running as that role needs there. `events_table` is as configured. Ends with a line feed.
std::string store_schema(const std::string& events_table, const std::string& role);

/// A query of a row for the highest position and one for each element of $1, a bigint[]: the element (NULL in the
/// first), the highest position, and the microseconds since the oldest event above the element was made (NULL where
/// there is none). Two index look-ups an element, however much is behind.
std::string lag_query(const std::string& events_table);

} // namespace projector::eventlog
