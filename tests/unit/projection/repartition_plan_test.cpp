#include "projection/repartition_plan.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace projector::projection {
namespace {

using Before = std::vector<PartitionPosition>;
using Behind = std::vector<PartitionBehind>;

TEST(RepartitionPlan, ASplitGoesOnWhereEachPartitionStood) {
  const auto plan = plan_repartition({{0, 10, 10}, {1, 20, 30}}, 4);
  EXPECT_EQ(plan.behind, Behind());
  EXPECT_EQ(plan.after, (Before{{0, 10, 10}, {1, 20, 30}, {2, 10, 10}, {3, 20, 30}}));
}

TEST(RepartitionPlan, AMergeNeedsTheGroupsLevelAndNoMore) {
  const auto plan = plan_repartition({{0, 10, 10}, {1, 20, 20}, {2, 15, 40}, {3, 20, 25}}, 2);
  EXPECT_EQ(plan.behind, (Behind{{0, 10, 15}}));
  EXPECT_EQ(plan.after, (Before{{0, 15, 40}, {1, 20, 25}}));
}

TEST(RepartitionPlan, CountsWithoutACommonDivisorNeedAllLevel) {
  const auto plan = plan_repartition({{0, 10, 10}, {1, 20, 20}}, 3);
  EXPECT_EQ(plan.behind, (Behind{{0, 10, 20}}));
  EXPECT_EQ(plan.after, (Before{{0, 20, 20}, {1, 20, 20}, {2, 20, 20}}));
}

TEST(RepartitionPlan, CountsWithACommonDivisorNeedThoseOfTheSameRestLevel) {
  const auto plan = plan_repartition({{0, 10, 10}, {1, 20, 20}, {2, 12, 12}, {3, 20, 20}}, 6);
  EXPECT_EQ(plan.behind, (Behind{{0, 10, 12}}));
  EXPECT_EQ(plan.after, (Before{{0, 12, 12}, {1, 20, 20}, {2, 12, 12}, {3, 20, 20}, {4, 12, 12}, {5, 20, 20}}));
}

/// For every hash: once the partitions that are behind have caught up, the new partition of its events continues from
/// the exact position of the old one.
TEST(RepartitionPlan, NoHashIsHandledTwiceOrLeftOut) {
  std::mt19937 random(11);
  for (std::uint32_t from = 1; from <= 16; ++from) {
    for (std::uint32_t to = 1; to <= 16; ++to) {
      Before before;
      for (std::uint32_t partition = 0; partition < from; ++partition) {
        const auto position = static_cast<std::int64_t>(random() % 4);
        before.push_back({partition, position, position + static_cast<std::int64_t>(random() % 4)});
      }
      const auto plan = plan_repartition(before, to);
      std::map<std::uint32_t, std::int64_t> caught_up;
      for (const auto& one : before) {
        caught_up[one.partition] = one.position;
      }
      for (const auto& one : plan.behind) {
        EXPECT_EQ(one.position, caught_up[one.partition]);
        EXPECT_GT(one.up_to, one.position);
        caught_up[one.partition] = one.up_to;
      }
      ASSERT_EQ(plan.after.size(), to);
      for (std::uint32_t hash = 0; hash < from * to * 2; ++hash) {
        const auto& after = plan.after[hash % to];
        ASSERT_EQ(after.partition, hash % to);
        ASSERT_EQ(after.position, caught_up[hash % from]) << from << " to " << to;
        ASSERT_GE(after.highest, before[hash % from].highest);
      }
      if (to % from == 0) {
        EXPECT_EQ(plan.behind, Behind()) << from << " to " << to;
      }
    }
  }
}

} // namespace
} // namespace projector::projection
