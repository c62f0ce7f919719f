#pragma once

#include <cstdint>
#include <vector>

namespace projector::projection {

/// Where one partition stands.
struct PartitionPosition {
  std::uint32_t partition = 0;
  std::int64_t position = 0;
  std::int64_t highest = 0; ///< as in Checkpoint
  friend bool operator==(const PartitionPosition&, const PartitionPosition&) = default;
};

/// A partition that must handle more events, and up to which position, before it can be one with others.
struct PartitionBehind {
  std::uint32_t partition = 0;
  std::int64_t position = 0;
  std::int64_t up_to = 0;
  friend bool operator==(const PartitionBehind&, const PartitionBehind&) = default;
};

/// How checkpoints get from one partition count to another.
struct RepartitionPlan {
  std::vector<PartitionBehind> behind; ///< these must have caught up before `after` may be stored
  std::vector<PartitionPosition> after;
};

/// `before` holds one entry for each of the present partitions, in their order; `to` is above zero.
///
/// An old partition j and a new one k have aggregates in common exactly where j and k leave the same rest by the
/// greatest common divisor of both counts. So the old ones of the same rest must stand at one position, the highest of
/// them, and the new ones of that rest go on from there: nothing is handled twice, nothing is left out. A split into a
/// multiple has groups of one, and needs nobody to catch up.
RepartitionPlan plan_repartition(const std::vector<PartitionPosition>& before, std::uint32_t to);

} // namespace projector::projection
