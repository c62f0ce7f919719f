#include "segments.hpp"

#include "eventlog/segment_cache.hpp"

#include <gtest/gtest.h>

namespace projector::eventlog {
namespace {

using Positions = std::vector<std::int64_t>;

TEST(SegmentCache, FindsByPosition) {
  SegmentCache cache(1u << 20);
  const auto first = segment(0, 10), second = segment(10, 15), third = segment(20, 30);
  for (const auto& one : {third, first, second}) {
    EXPECT_TRUE(cache.insert(one, {}));
  }
  EXPECT_EQ(cache.find(0), first);
  EXPECT_EQ(cache.find(9), first);
  EXPECT_EQ(cache.find(10), second);
  EXPECT_EQ(cache.find(15), nullptr);
  EXPECT_EQ(cache.find(19), nullptr);
  EXPECT_EQ(cache.find(25), third);
  EXPECT_EQ(cache.find(30), nullptr);
  EXPECT_EQ(cache.find(-1), nullptr);
  EXPECT_EQ(cache.next_start(10), 20);
  EXPECT_EQ(cache.next_start(20), SegmentCache::kNone);
  EXPECT_EQ(cache.bytes(), first->bytes() + second->bytes() + third->bytes());
  cache.clear();
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(cache.find(0), nullptr);
}

TEST(SegmentCache, SameCoverTwice) {
  SegmentCache cache(1u << 20);
  const auto read_at = base::Clock::now();
  const auto wide = segment(0, 10, 1, true, read_at), again = segment(0, 10, 1, true, read_at),
             narrow = segment(0, 5, 1, true, read_at);
  cache.insert(wide, {});
  cache.insert(narrow, {});
  EXPECT_EQ(cache.find(7), wide);
  cache.insert(again, {});
  EXPECT_EQ(cache.find(7), again);
  EXPECT_EQ(cache.bytes(), again->bytes());
}

TEST(SegmentCache, DropsPassedSegmentsFirstThenTheFarthestAhead) {
  const std::size_t one = segment(0, 10, 1000)->bytes();
  SegmentCache cache(4 * one);
  const Positions cursors{20, 100};
  cache.insert(segment(0, 10, 1000), cursors);  // behind both
  cache.insert(segment(20, 30, 1000), cursors); // at hand for the first
  cache.insert(segment(80, 90, 1000), cursors); // 60 ahead of the first
  EXPECT_TRUE(cache.insert(segment(100, 110, 1000), cursors));
  EXPECT_TRUE(cache.insert(segment(110, 120, 1000), cursors));
  EXPECT_EQ(cache.find(0), nullptr);
  EXPECT_NE(cache.find(80), nullptr);
  EXPECT_TRUE(cache.insert(segment(30, 40, 1000), cursors));
  EXPECT_EQ(cache.find(80), nullptr);
  EXPECT_FALSE(cache.insert(segment(500, 510, 1000), cursors)) << "it is the farthest itself";
  EXPECT_EQ(cache.find(500), nullptr);
  EXPECT_NE(cache.find(20), nullptr);
  EXPECT_NE(cache.find(100), nullptr);
  EXPECT_LE(cache.bytes(), cache.budget());
}

TEST(SegmentCache, LargerThanTheBudget) {
  SegmentCache cache(1000);
  EXPECT_FALSE(cache.insert(segment(0, 1, 5000), Positions{0}));
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(SegmentCache, MergesTheNewestSmallOnesBelowAPosition) {
  SegmentCache cache(1u << 20);
  cache.insert(segment(0, 500), {});
  for (std::int64_t position = 500; position < 504; ++position) {
    cache.insert(segment(position, position + 1), {});
  }
  EXPECT_TRUE(cache.mergeable(501).size() < 2) << "the large one would be copied for one event";
  const auto parts = cache.mergeable(503);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts.front()->after(), 500);
  EXPECT_EQ(parts.back()->to(), 503);
  const auto merged = merge_segments(parts, test_region());
  cache.replace(parts, merged);
  EXPECT_EQ(cache.find(502), merged);
  EXPECT_EQ(cache.size(), 3u);
  cache.replace(parts, merge_segments(parts, test_region())); // they are gone: nothing happens
  EXPECT_EQ(cache.find(502), merged);
}

TEST(SegmentCache, NeverMergesBeyondASegmentsSize) {
  SegmentCache cache(64u << 20);
  cache.insert(segment(0, 600), {});
  cache.insert(segment(600, 1100), {});
  EXPECT_LT(cache.mergeable(1100).size(), 2u);
  cache.insert(segment(2000, 2002, 400000), {});
  cache.insert(segment(2002, 2004, 400000), {});
  EXPECT_LT(cache.mergeable(2004).size(), 2u);
  cache.insert(segment(3000, 3001), {});
  cache.insert(segment(3002, 3003), {});
  EXPECT_LT(cache.mergeable(3003).size(), 2u) << "not adjacent";
}

TEST(SegmentCache, NeededSoon) {
  SegmentCache cache(1u << 20);
  const auto near = segment(10, 20), far = segment(1000, 1010);
  cache.insert(near, {});
  cache.insert(far, {});
  EXPECT_EQ(cache.needed_within(100, Positions{5}), near->bytes());
  EXPECT_EQ(cache.needed_within(100, Positions{5, 950}), near->bytes() + far->bytes());
  EXPECT_EQ(cache.needed_within(100, Positions{2000}), 0u);
}

TEST(SegmentCache, FindsOnlySegmentsReadAfterNotBefore) {
  SegmentCache cache(1u << 20);
  cache.insert(segment(0, 10), {});
  const auto between = base::Clock::now();
  const auto late = segment(20, 30);
  cache.insert(late, {});
  EXPECT_NE(cache.find(5), nullptr);
  EXPECT_EQ(cache.find(5, between), nullptr);
  EXPECT_EQ(cache.find(25, between), late);
  EXPECT_EQ(cache.next_start(-5), 0);
  EXPECT_EQ(cache.next_start(-5, between), 20);
}

TEST(SegmentCache, ANewerReadReplacesWhatItOverlapsAndAnOlderOneDoesNot) {
  const auto outdated = segment(0, 3);
  SegmentCache cache(1u << 20);
  cache.insert(segment(0, 100), {});
  cache.insert(segment(100, 200), {});
  const auto anew = segment(0, 50);
  EXPECT_TRUE(cache.insert(anew, {}));
  EXPECT_EQ(cache.find(0), anew);
  EXPECT_EQ(cache.find(60), nullptr) << "from the older read";
  EXPECT_NE(cache.find(150), nullptr) << "does not overlap";
  const auto next = segment(50, 120);
  cache.insert(next, {});
  EXPECT_EQ(cache.find(110), next);
  EXPECT_EQ(cache.find(150), nullptr);
  EXPECT_TRUE(cache.insert(outdated, {}));
  EXPECT_EQ(cache.find(0), anew);
}

TEST(SegmentCache, ASmallerBudgetDropsAtOnce) {
  SegmentCache cache(1u << 20);
  cache.insert(segment(0, 10, 1000), {});
  cache.insert(segment(10, 20, 1000), {});
  cache.set_budget(cache.bytes() / 2, {});
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_LE(cache.bytes(), cache.budget());
}

} // namespace
} // namespace projector::eventlog
