#pragma once

#include <string>

namespace projector::eventlog {

/// The statements that make the event store's tables where they are absent, and, with a role, the grants that a host
/// running as that role needs there. `events_table` is as configured. Ends with a line feed.
std::string store_schema(const std::string& events_table, const std::string& role);

/// SQL of one row: count and oldest created_at of the events above position $1, used for lag. See control/status.
std::string lag_query(const std::string& events_table);

} // namespace projector::eventlog
