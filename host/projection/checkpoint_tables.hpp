#pragma once

#include "pg/connection.hpp"

#include <optional>
#include <string>
#include <vector>

namespace projector::projection {

/// The host's own tables in the read model's database and the mirrored table of checkpoints, each as a quoted name with
/// its schema: a projection's search_path never changes which table a checkpoint is kept in. A value.
struct CheckpointTables {
  std::string projections; ///< one row a projection: partition count, epoch, read model version, store
  std::string checkpoints; ///< one row a partition: the position, the truth
  std::string workers;     ///< one row a partition and host: state and heartbeat, for people
  std::string stores;      ///< one row an event store: its settled position
  std::string mirror;      ///< the configured checkpoints_table, readable by everything that knows its three columns
  std::string search_path; ///< of the session that found them
  /// The columns, as TABLE.COLUMN, that the tables of an earlier host lack. Programs that only read, or that write the
  /// other columns, do not need them.
  std::vector<std::string> lacking = {};
};

/// The statements that make the tables where they are absent and, with a role, the grants that a host running as that
/// role needs. Ends with a line feed.
std::string read_model_schema(const std::string& checkpoints_table, const std::string& role);

/// Finds the tables, and makes what is missing in one transaction where a table or a column is absent. Throws
/// pg::Error, whose text for a lack of privilege says what to run.
CheckpointTables open_tables(pg::Connection& connection, const std::string& checkpoints_table);

/// The same without making any: nothing where a table is absent. Columns may be lacking.
std::optional<CheckpointTables> find_tables(pg::Connection& connection, const std::string& checkpoints_table);

} // namespace projector::projection
