#include "eventlog/look_window.hpp"
#include "segments.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace projector::eventlog {
namespace {

using Positions = std::vector<std::int64_t>;

class LookWindowTest : public ::testing::Test {
protected:
  LookWindow window(std::int64_t settled, std::size_t most_bytes = 1u << 20) {
    return LookWindow(settled, 1, most_bytes, builder_);
  }
  static void read(LookWindow& window, std::initializer_list<std::int64_t> positions) {
    for (const std::int64_t position : positions) {
      window.add(event(position));
    }
    window.end_of_snapshot();
  }
  static void fill(LookWindow& window, std::initializer_list<std::int64_t> positions) {
    for (const std::int64_t position : positions) {
      window.add_filling(event(position));
    }
    window.end_of_filling();
  }
  /// Takes what is contiguous: it must cover (after, to] without a hole.
  static Positions take(LookWindow& window, std::int64_t after, std::int64_t to) {
    Positions positions;
    for (const SegmentPtr& segment : window.take_contiguous()) {
      EXPECT_EQ(segment->after(), after);
      after = segment->to();
      for (const projector_event& one : segment->events()) {
        positions.push_back(one.global_position);
      }
    }
    EXPECT_EQ(after, to);
    return positions;
  }

  SegmentBuilder builder_{test_region()};
};

TEST_F(LookWindowTest, ContiguousRowsAreTakenAtOnce) {
  LookWindow rows = window(4);
  read(rows, {5, 6, 7});
  EXPECT_EQ(take(rows, 4, 7), (Positions{5, 6, 7}));
  EXPECT_EQ(rows.bytes(), 0u);
  EXPECT_TRUE(rows.take_contiguous().empty());
}

TEST_F(LookWindowTest, RowsAboveAGapWaitUntilItIsFilled) {
  LookWindow rows = window(0);
  read(rows, {1, 2, 5, 6, 8});
  EXPECT_EQ(take(rows, 0, 2), (Positions{1, 2}));
  EXPECT_GT(rows.bytes(), 0u);
  fill(rows, {3});
  EXPECT_EQ(take(rows, 2, 3), (Positions{3}));
  fill(rows, {4, 7});
  EXPECT_EQ(take(rows, 3, 8), (Positions{4, 5, 6, 7, 8}));
  EXPECT_EQ(rows.bytes(), 0u);
}

TEST_F(LookWindowTest, AClosedGapIsCovered) {
  LookWindow rows = window(0);
  read(rows, {3, 5});
  rows.close(2);
  EXPECT_EQ(take(rows, 0, 3), (Positions{3}));
  rows.close(4);
  EXPECT_EQ(take(rows, 3, 5), (Positions{5}));
}

TEST_F(LookWindowTest, LeavesOutWhatExceedsTheLimitButNeverTheFirstRow) {
  const std::string large(1000, 'x');
  LookWindow rows = window(0, 900);
  rows.add(event(1, "a", large));
  rows.add(event(2));
  rows.add(event(4));
  rows.end_of_snapshot();
  EXPECT_EQ(rows.rows(), 1u);
  EXPECT_EQ(rows.gaps().highest(), 1);
  EXPECT_TRUE(rows.gaps().missing().empty());
  EXPECT_EQ(take(rows, 0, 1), (Positions{1}));
}

TEST_F(LookWindowTest, CountsWhatAnEventTakesBesidesItsText) {
  LookWindow rows = window(0, 10 * event_bytes(event(1)));
  for (std::int64_t position = 1; position <= 100; ++position) {
    rows.add(event(position));
  }
  rows.end_of_snapshot();
  EXPECT_EQ(rows.rows(), 10u);
  EXPECT_GE(rows.bytes(), 10 * sizeof(projector_event));
}

TEST_F(LookWindowTest, LargeSnapshotsBecomeSeveralSegments) {
  LookWindow rows = window(0);
  for (std::int64_t position = 1; position <= 2500; ++position) {
    rows.add(event(position));
  }
  rows.end_of_snapshot();
  const auto segments = rows.take_contiguous();
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[2]->to(), 2500);
}

TEST_F(LookWindowTest, NoSegmentCoversARowThatWasNotRead) {
  LookWindow rows = window(0);
  rows.add(event(1));
  rows.add_unread(2);
  rows.add(event(3));
  rows.add_unread(6);
  rows.add(event(7));
  rows.end_of_snapshot();
  EXPECT_EQ(rows.rows(), 3u);
  const auto first = rows.take_contiguous();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0]->to(), 1);
  EXPECT_EQ(first[1]->after(), 2);
  EXPECT_EQ(first[1]->to(), 3);
  rows.add_unread_filling(4);
  rows.end_of_filling();
  EXPECT_TRUE(rows.take_contiguous().empty());
  EXPECT_EQ(rows.gaps().contiguous(), 4);
  rows.close(5);
  const auto last = rows.take_contiguous();
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(last[0]->after(), 4);
  EXPECT_EQ(last[0]->to(), 5);
  EXPECT_TRUE(last[0]->events().empty());
  EXPECT_EQ(last[1]->after(), 6);
  EXPECT_EQ(last[1]->to(), 7);
}

} // namespace
} // namespace projector::eventlog
