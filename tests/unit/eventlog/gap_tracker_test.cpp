#include "eventlog/gap_tracker.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace projector::eventlog {
namespace {

using Ranges = std::vector<PositionRange>;

std::vector<std::int64_t> positions(std::initializer_list<std::int64_t> list) {
  return list;
}

GapTracker tracker(std::int64_t settled, std::initializer_list<std::int64_t> rows) {
  GapTracker gaps(settled);
  for (const auto row : rows) {
    gaps.add(row);
  }
  return gaps;
}

TEST(GapTracker, NothingSeen) {
  const GapTracker gaps(7);
  EXPECT_EQ(gaps.contiguous(), 7);
  EXPECT_EQ(gaps.highest(), 7);
  EXPECT_TRUE(gaps.missing().empty());
}

TEST(GapTracker, ContiguousRows) {
  const auto gaps = tracker(7, {8, 9, 10});
  EXPECT_EQ(gaps.contiguous(), 10);
  EXPECT_TRUE(gaps.missing().empty());
}

TEST(GapTracker, GapsAreRanges) {
  const auto gaps = tracker(0, {3, 4, 1'000'000'000'000, 1'000'000'000'002});
  EXPECT_EQ(gaps.contiguous(), 0);
  EXPECT_EQ(gaps.highest(), 1'000'000'000'002);
  EXPECT_EQ(gaps.missing(), (Ranges{{0, 2}, {4, 999'999'999'999}, {1'000'000'000'000, 1'000'000'000'001}}));
}

TEST(GapTracker, RowsMustRise) {
  auto gaps = tracker(5, {6});
  EXPECT_THROW(gaps.add(6), std::logic_error);
  EXPECT_THROW(gaps.add(1), std::logic_error);
}

TEST(GapTracker, FillingFromBothEndsAndTheMiddle) {
  auto gaps = tracker(0, {10});
  gaps.fill(positions({5}));
  EXPECT_EQ(gaps.missing(), (Ranges{{0, 4}, {5, 9}}));
  gaps.fill(positions({1, 2, 6, 9}));
  EXPECT_EQ(gaps.missing(), (Ranges{{2, 4}, {6, 8}}));
  EXPECT_EQ(gaps.contiguous(), 2);
  gaps.fill(positions({3, 4}));
  EXPECT_EQ(gaps.contiguous(), 6);
  gaps.fill(positions({7, 8}));
  EXPECT_EQ(gaps.contiguous(), 10);
  EXPECT_TRUE(gaps.missing().empty());
}

TEST(GapTracker, FillingWhatIsNotMissingChangesNothing) {
  auto gaps = tracker(0, {1, 4, 9});
  gaps.fill(positions({1, 4, 9, 12}));
  EXPECT_EQ(gaps.missing(), (Ranges{{1, 3}, {4, 8}}));
  gaps.fill({});
  EXPECT_EQ(gaps.missing().size(), 2u);
  EXPECT_EQ(gaps.highest(), 9);
}

TEST(GapTracker, ClosingUpToAPosition) {
  auto gaps = tracker(0, {4, 8, 12});
  gaps.close(3);
  EXPECT_EQ(gaps.contiguous(), 4);
  gaps.close(6);
  EXPECT_EQ(gaps.missing(), (Ranges{{6, 7}, {8, 11}}));
  EXPECT_EQ(gaps.contiguous(), 6);
  gaps.close(100);
  EXPECT_EQ(gaps.contiguous(), 12);
  EXPECT_EQ(gaps.highest(), 12);
}

TEST(GapTracker, ReturnsTheFirstMissingRanges) {
  const auto gaps = tracker(0, {11, 22, 33, 44});
  EXPECT_EQ(gaps.missing_above(0, 20), (Ranges{{0, 10}, {11, 21}}));
  EXPECT_EQ(gaps.missing_above(0, 19), (Ranges{{0, 10}}));
  EXPECT_EQ(gaps.missing_above(0, 1), (Ranges{{0, 10}})) << "at least one, however wide";
  EXPECT_EQ(gaps.missing_above(5, 100), (Ranges{{5, 10}, {11, 21}, {22, 32}, {33, 43}}));
  EXPECT_EQ(gaps.missing_above(21, 5), (Ranges{{22, 32}}));
  EXPECT_EQ(gaps.missing_above(43, 5), Ranges{});
}

} // namespace
} // namespace projector::eventlog
