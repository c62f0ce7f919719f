#pragma once

#include "pg/connection.hpp"

#include <string>
#include <vector>

namespace projector::eventlog {

/// What store_schema would create and an event store does not have.
struct SchemaGaps {
  bool no_table = false;          ///< there is no events table: the whole store_schema has to be run
  std::vector<std::string> steps; ///< statements, each to be run outside a transaction
  std::string owner;              ///< the role that has to run the steps; empty: the session's own role may
};

/// Compares a table, which may belong to another program, with store_schema. Indexes are compared by columns and not by
/// name; one that another session is building counts as existing. The steps build indexes without blocking appends.
/// Changes nothing. Throws pg::Error, with 42704 if the role does not exist.
SchemaGaps find_schema_gaps(pg::Connection& connection, const std::string& events_table, const std::string& role);

} // namespace projector::eventlog
