#pragma once

#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/repartition_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::projection {

/// Names of a projection's checkpoints before and after its partition count changes. A value.
class PartitionNames {
public:
  PartitionNames(std::string base, std::uint32_t from, std::uint32_t to);
  [[nodiscard]] const std::string& base() const noexcept { return base_; }
  [[nodiscard]] std::uint32_t from() const noexcept { return static_cast<std::uint32_t>(before_.size()); }
  [[nodiscard]] const std::vector<std::string>& before() const noexcept { return before_; }
  [[nodiscard]] const std::vector<std::string>& after() const noexcept { return after_; }
  [[nodiscard]] std::vector<std::string> all() const;

private:
  std::string base_;
  std::vector<std::string> before_; ///< by partition
  std::vector<std::string> after_;  ///< by partition
};

struct StoredPartitions {
  std::vector<PartitionPosition> partitions; ///< one for each that there should be, in order
  std::string refusal;                       ///< why the new ones cannot be computed from them, and what to do about it
};

/// Reads the checkpoints of names.before() and compares them with their mirrored rows; with `lock` each row is locked
/// until the transaction ends. Throws pg::Error, pg::Interrupted.
StoredPartitions read_rows(pg::Connection& connection, const CheckpointTables& tables, const PartitionNames& names,
                           bool lock);

/// Writes `after` to both tables under names.after(), deletes the rows of all other names, and raises the epoch. In a
/// transaction that has the rows locked. Throws pg::Error, pg::Interrupted.
void write_rows(pg::Connection& connection, const CheckpointTables& tables, const PartitionNames& names,
                const std::vector<PartitionPosition>& after);

} // namespace projector::projection
