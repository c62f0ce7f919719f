#pragma once

#include "pg/connection.hpp"
#include "projection/adoption_plan.hpp"
#include "projection/checkpoint_tables.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace projector::projection {

/// A row of projector_projections.
struct ProjectionRow {
  std::int64_t partitions = 0;
  std::int64_t epoch = 0;
  std::string store;
  std::int64_t read_model_version = 0;
  std::int64_t rebuild_requested = 0;
};

/// Finds the tables that exist; the names of the others are empty. Creates none. Throws pg::Error, pg::Interrupted.
CheckpointTables find_present_tables(pg::Connection& connection, const std::string& checkpoints_table);

/// The row with this base name; nothing without one or where the table is not there. Throws pg::Error, pg::Interrupted.
std::optional<ProjectionRow> read_projection(pg::Connection& connection, const CheckpointTables& tables,
                                             const std::string& base);

/// Rows of the mirror table that belong to the projection with this base name, whatever its partition count was, by
/// name; with `lock` each is locked until the transaction ends. Throws pg::Error, pg::Interrupted.
std::vector<ForeignRow> read_mirrored_rows(pg::Connection& connection, const CheckpointTables& tables,
                                           const std::string& base, bool lock = false);

/// The host's own rows of that projection; nothing where it has none. Throws pg::Error, pg::Interrupted.
std::optional<OwnRows> read_own_rows(pg::Connection& connection, const CheckpointTables& tables,
                                     const std::string& base, bool lock = false);

} // namespace projector::projection
