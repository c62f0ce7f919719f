#pragma once

#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <string>

namespace projector::eventlog {

/// The beginning of a statement in which `tree` has the oids of the table and of everything that inherits from it,
/// however deep.
std::string tree_sql(std::uint32_t table_oid);

/// Looks at the tables that hold the events, the parts of a partitioned one included: their columns, that required
/// values cannot be NULL, that a position has one row and an index, that a crash of the server does not empty them.
/// Throws StoreRefused with the cure, pg::Error.
void check_table(pg::Connection& connection, const Store& store);

/// Whether the events have positions that no reader gets to: the beginning of the log is 0. Throws StoreRefused with
/// the cure, pg::Error.
void check_lowest_position(pg::Connection& connection, const Store& store);

} // namespace projector::eventlog
