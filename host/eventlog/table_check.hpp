#pragma once

#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <string>

namespace projector::eventlog {

/// A WITH clause whose `tree` has the oids of the table and of all tables that inherit from it, directly or not.
std::string tree_sql(std::uint32_t table_oid);

/// Checks the events table and its partitions: columns, NOT NULL of required ones, a unique index on the position, and
/// that a crash of the server does not empty them. Throws StoreRefused with the cure, pg::Error.
void check_table(pg::Connection& connection, const Store& store);

/// Checks that all positions are above 0, where readers begin. Throws StoreRefused with the cure, pg::Error.
void check_lowest_position(pg::Connection& connection, const Store& store);

} // namespace projector::eventlog
