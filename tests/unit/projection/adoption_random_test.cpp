#include "projection/adoption_plan.hpp"
#include "projection/checkpoint.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace projector::projection {
namespace {

constexpr std::int64_t kEvents = 200;

/// Simulates the library's workers on one projection, whose operators change the partition count at random: each worker
/// continues from the row of its name, or from the beginning if there is none. The event at position p has the hash p *
/// 7
/// + 3.
class SeedHistory {
public:
  explicit SeedHistory(std::uint32_t seed) : random_(seed) {}

  void run_with(std::uint32_t partitions) {
    // The last worker must have run, or the rows would look like those of a smaller count.
    rows_[CheckpointKey{"x", partitions - 1, partitions}.name()].moved_at = ++clock_;
    for (auto batches = random_() % 12; batches > 0; --batches) {
      const auto partition = static_cast<std::uint32_t>(random_() % partitions);
      auto& row = rows_[CheckpointKey{"x", partition, partitions}.name()];
      const auto to = std::min<std::int64_t>(kEvents, row.position + 1 + static_cast<std::int64_t>(random_() % 60));
      for (auto position = row.position + 1; position <= to; ++position) {
        if (hash(position) % partitions == partition) {
          handled_.insert(position);
        }
      }
      row.position = to;
      row.moved_at = ++clock_;
    }
  }
  [[nodiscard]] std::vector<ForeignRow> rows() const {
    std::vector<ForeignRow> all;
    for (const auto& [name, row] : rows_) {
      all.push_back({name, row.position, row.moved_at});
    }
    return all;
  }
  /// Events that no worker has handled and that a start by this plan would not handle either.
  [[nodiscard]] std::set<std::int64_t> lost(const AdoptionPlan& plan) const {
    std::set<std::int64_t> lost;
    for (std::int64_t position = 1; position <= kEvents; ++position) {
      const auto& partition = plan.partitions[hash(position) % plan.partitions.size()];
      if (!handled_.contains(position) && position <= partition.position) {
        lost.insert(position);
      }
    }
    return lost;
  }
  std::uint32_t any_count() { return std::vector<std::uint32_t>{1, 2, 4, 8}[random_() % 4]; }
  std::uint32_t up_to(std::uint32_t most) { return static_cast<std::uint32_t>(random_() % most); }

private:
  static std::uint64_t hash(std::int64_t position) { return static_cast<std::uint64_t>(position) * 7 + 3; }
  std::mt19937 random_;
  std::map<std::string, ForeignRow> rows_;
  std::set<std::int64_t> handled_;
  std::int64_t clock_ = 0;
};

/// With other counts, from 3 to 4 for example, the library loses events, and no row shows it.
TEST(AdoptionPlan, TheLowestLosesNoEventWhereEachCountDividesTheOthers) {
  int planned = 0;
  for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
    SeedHistory history(seed);
    std::uint32_t last = 1;
    for (auto changes = 1 + history.up_to(4); changes > 0; --changes) {
      last = history.any_count();
      history.run_with(last);
    }
    AdoptionRequest request{.projection = "x", .checkpoint = "x", .partitions = last, .lowest = true, .table = "rows"};
    const auto plan = plan_adoption(request, history.rows(), {});
    if (plan.refusal.empty()) {
      ++planned;
      EXPECT_EQ(history.lost(plan), std::set<std::int64_t>()) << "seed " << seed;
    }
  }
  EXPECT_GT(planned, 1000);
}

TEST(AdoptionPlan, WithoutAChangeOfTheCountNoEventIsLostAndNoneRepeated) {
  for (std::uint32_t seed = 1; seed <= 1000; ++seed) {
    SeedHistory history(seed);
    const auto count = history.any_count();
    history.run_with(count);
    AdoptionRequest request{.projection = "x", .checkpoint = "x", .partitions = count, .table = "rows"};
    const auto plan = plan_adoption(request, history.rows(), {});
    if (plan.refusal.empty()) {
      EXPECT_EQ(history.lost(plan), std::set<std::int64_t>()) << "seed " << seed;
      EXPECT_TRUE(std::all_of(plan.partitions.begin(), plan.partitions.end(),
                              [](const auto& one) { return one.position == one.handled; }))
          << "seed " << seed;
    }
  }
}

} // namespace
} // namespace projector::projection
