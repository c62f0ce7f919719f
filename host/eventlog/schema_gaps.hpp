#pragma once

#include "pg/connection.hpp"

#include <string>
#include <vector>

namespace projector::eventlog {

/// What an event store lacks of what store_schema makes.
struct SchemaGaps {
  bool no_table = false;          ///< there is no events table: all of store_schema is to be run
  std::vector<std::string> steps; ///< statements, each to be run outside a transaction
  std::string owner;              ///< a role that may run the steps and is not the session's; empty: the session may
};

/// Looks at a table that may be another program's: an index counts by its columns, whatever its name. Indexes are built
/// without keeping appends away; one that somebody builds now is left to them. Changes nothing. Throws pg::Error, of
/// 42704 where the role does not exist.
SchemaGaps find_schema_gaps(pg::Connection& connection, const std::string& events_table, const std::string& role);

} // namespace projector::eventlog
