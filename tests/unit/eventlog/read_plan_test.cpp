#include "segments.hpp"

#include "eventlog/read_plan.hpp"
#include "eventlog/shared_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace projector::eventlog {
namespace {

class ReadPlanTest : public ::testing::Test {
protected:
  ReadPlan::View view() { return {cache_, settled_, 1, positions_}; }

  SegmentCache cache_{64u << 20};
  ReadPlan plan_{64u << 20, 2};
  std::int64_t settled_ = 1'000'000;
  std::vector<std::int64_t> positions_{0};
};

TEST_F(ReadPlanTest, TwoWhoNeedTheSameShareOneRead) {
  plan_.demand(0, view());
  plan_.demand(100, view());
  const auto read = plan_.take();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->after, 0);
  EXPECT_GT(read->to, 100);
  EXPECT_TRUE(read->running);
  EXPECT_EQ(plan_.take(), nullptr);
  plan_.demand(50, view());
  EXPECT_EQ(plan_.take(), nullptr);
  plan_.finished(*read, 10, true);
  EXPECT_TRUE(plan_.idle());
}

TEST_F(ReadPlanTest, ReadsEndWhereSomethingIsThereOrComing) {
  cache_.insert(segment(500, 510), {});
  plan_.demand(0, view());
  EXPECT_EQ(plan_.take()->to, 500);
  plan_.demand(600, view());
  plan_.demand(510, view());
  EXPECT_EQ(plan_.take()->after, 600);
  EXPECT_EQ(plan_.take()->to, 600);
  settled_ = 2'000'000;
  plan_.demand(1'999'999, view());
  EXPECT_EQ(plan_.take()->to, 2'000'000);
}

TEST_F(ReadPlanTest, WhatSomebodyWaitsForComesFirst) {
  plan_.ahead(0, view());
  plan_.demand(500'000, view());
  EXPECT_EQ(plan_.take()->after, 500'000);
  EXPECT_EQ(plan_.take()->after, 0);
}

TEST_F(ReadPlanTest, AheadStopsWhereEnoughIsCached) {
  for (std::int64_t after = 0; after < 8000; after += 1000) {
    cache_.insert(segment(after, after + 1000), {});
  }
  plan_.ahead(0, view());
  EXPECT_EQ(plan_.take(), nullptr);
  plan_.ahead(1000, view());
  const auto read = plan_.take();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->after, 8000);
  plan_.ahead(1000, view());
  EXPECT_EQ(plan_.take(), nullptr) << "it is on its way";
  plan_.ahead(7000, view());
  EXPECT_EQ(plan_.take()->after, read->to);
}

TEST_F(ReadPlanTest, AheadNeedsRoom) {
  ReadPlan tight(2u << 20, 2);
  SegmentCache small(2u << 20);
  small.insert(segment(0, 3, 500'000), positions_);
  const ReadPlan::View full{small, settled_, 1, positions_};
  tight.ahead(0, full);
  EXPECT_EQ(tight.take(), nullptr);
  tight.demand(3, full);
  EXPECT_NE(tight.take(), nullptr) << "who waits is served all the same";
}

TEST_F(ReadPlanTest, SizeFollowsEventsAndPlaces) {
  const auto before = plan_.rows_of_a_read(view());
  plan_.learn(*segment(0, 10, 100'000));
  EXPECT_LT(plan_.rows_of_a_read(view()), 200);
  EXPECT_GT(before, 1000);
  for (int times = 0; times < 100; ++times) {
    plan_.learn(*segment(0, 10, 10));
  }
  EXPECT_EQ(plan_.rows_of_a_read(view()), 16384);
  positions_.clear();
  for (std::int64_t place = 0; place < 64; ++place) {
    positions_.push_back(place * 15'000 * (place % 2 + 1));
  }
  std::sort(positions_.begin(), positions_.end());
  EXPECT_LT(plan_.rows_of_a_read(view()), 16384);
}

TEST_F(ReadPlanTest, SparsePositionsWidenTheRange) {
  settled_ = 1'000'000'000'000;
  plan_.demand(0, view());
  auto read = plan_.take();
  std::int64_t end = read->to;
  int reads = 0;
  for (; end < 1'000'000'000 && reads < 1000; ++reads) {
    plan_.finished(*read, 0, true);
    plan_.demand(end, view());
    read = plan_.take();
    end = read->to;
  }
  EXPECT_LT(reads, 40);
  const std::int64_t wide = read->to - read->after;
  plan_.finished(*read, read->limit, false);
  plan_.demand(end, view());
  EXPECT_LT(plan_.take()->to - end, wide) << "dense again";
}

TEST_F(ReadPlanTest, AReadThatRunsIsOfNoUseToACursorThatStartedLater) {
  plan_.demand(0, view());
  const auto running = plan_.take();
  ReadPlan::View later = view();
  later.not_before = base::Clock::now() + std::chrono::hours(1);
  plan_.demand(0, later);
  plan_.demand(100, later); // one that is not running yet will be new enough for both
  const auto anew = plan_.take();
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->after, 0);
  EXPECT_EQ(plan_.take(), nullptr);
}

TEST_F(ReadPlanTest, OldSegmentsDoNotCutAReadShort) {
  cache_.insert(segment(0, 10), {});
  cache_.insert(segment(10, 20), {});
  ReadPlan::View later = view();
  later.not_before = base::Clock::now() + std::chrono::hours(1);
  plan_.ahead(0, later);
  const auto read = plan_.take();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->after, 0);
  EXPECT_GT(read->to, 20);
}

TEST_F(ReadPlanTest, AFilteredReadTakesNoMoreThanItIsGiven) {
  const auto cursor = std::make_shared<CursorState>(Filter{}, false, base::TimePoint());
  plan_.demand_filtered(0, cursor, 2 * kSegmentBytes, kSegmentBytes / 4, view());
  EXPECT_EQ(plan_.take()->limit, 8);
}

TEST_F(ReadPlanTest, FilteredReadsAreTheirOwners) {
  const auto cursor = std::make_shared<CursorState>(Filter{}, false, base::TimePoint());
  plan_.demand_filtered(0, cursor, kSegmentBytes, 0, view());
  plan_.demand_filtered(0, cursor, kSegmentBytes, 0, view());
  plan_.demand(10, view());
  const auto own = plan_.take();
  EXPECT_EQ(own->only_for, cursor);
  const auto shared = plan_.take();
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->only_for, nullptr);
  EXPECT_EQ(plan_.take(), nullptr);
}

} // namespace
} // namespace projector::eventlog
