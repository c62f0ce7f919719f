#pragma once

#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::projection {

/// A checkpoint whose mirrored row is not where this host left it.
struct MovedRow {
  std::string name;
  std::int64_t position = 0; ///< of this host's own row
  std::int64_t mirrored = 0;
};

/// Those of the projection with this base name, as of one moment, by partition. Throws pg::Error, pg::Interrupted.
std::vector<MovedRow> read_moved_rows(pg::Connection& connection, const CheckpointTables& tables,
                                      const std::string& base);

/// Why `row` is refused. Offers to go on after the events that were handled by either of the two programs, or to have
/// them handled again, by one statement for all of `others` that were moved in the same direction. A statement changes
/// only rows that are where the text says that they are.
std::string refuse_moved(const CheckpointTables& tables, const MovedRow& row, const std::vector<MovedRow>& others);

} // namespace projector::projection
