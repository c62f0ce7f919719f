#include "projection/repartition_plan.hpp"

#include <algorithm>
#include <numeric>

namespace projector::projection {

RepartitionPlan plan_repartition(const std::vector<PartitionPosition>& before, std::uint32_t to) {
  const auto n_groups = std::gcd(static_cast<std::uint32_t>(before.size()), to);
  std::vector<PartitionPosition> groups(before.begin(), before.begin() + n_groups);
  for (const auto& one : before) {
    auto& group = groups[one.partition % n_groups];
    group.position = std::max(group.position, one.position);
    group.highest = std::max(group.highest, one.highest);
  }
  RepartitionPlan plan;
  for (const auto& one : before) {
    if (const auto up_to = groups[one.partition % n_groups].position; one.position < up_to) {
      plan.behind.push_back({one.partition, one.position, up_to});
    }
  }
  for (std::uint32_t partition = 0; partition < to; ++partition) {
    plan.after.push_back(groups[partition % n_groups]);
    plan.after.back().partition = partition;
  }
  return plan;
}

} // namespace projector::projection
