#include "projection/batch.hpp"

#include "base/fnv1a.hpp"
#include "unit/projection/fake_event_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace projector::projection {
namespace {

using eventlog::Cursor;
using test::EventText;
using Positions = std::vector<std::int64_t>;

constexpr std::uint64_t kPlenty = 1u << 30;

class BatchTest : public ::testing::Test {
protected:
  /// Cuts the next batch without waiting.
  BatchCutter::Cut cut(BatchCutter& cutter, std::int64_t after, BatchLimits limits,
                       base::Duration scan = std::chrono::hours(1)) {
    return cutter.cut(batch_, after, limits, base::TimePoint{}, scan, stop_);
  }
  [[nodiscard]] Positions positions() const {
    Positions positions;
    for (const auto* event : batch_.events()) {
      positions.push_back(event->global_position);
    }
    return positions;
  }
  /// Cuts batches after `after` until there are no more events. Returns all positions, and checks those of each batch
  /// against its limits.
  Positions drain(BatchCutter& cutter, BatchLimits limits, int& batches) {
    Positions all;
    std::int64_t position = 0;
    for (batches = 0; cut(cutter, position, limits).status == Cursor::Status::Segment; ++batches) {
      EXPECT_EQ(batch_.after(), position);
      EXPECT_GT(batch_.to(), position) << "a batch moves the checkpoint";
      for (const auto event : positions()) {
        EXPECT_GT(event, position);
        EXPECT_LE(event, batch_.to());
        all.push_back(event);
      }
      position = batch_.to();
      if (position <= batch_.after() || batches > 100000) {
        break;
      }
    }
    return all;
  }

  test::FakeEventLog log_;
  base::Stop stop_;
  Batch batch_;
};

Positions sequence(std::int64_t first, std::int64_t last) {
  Positions positions;
  for (; first <= last; ++first) {
    positions.push_back(first);
  }
  return positions;
}

TEST_F(BatchTest, HasAtMostTheBatchSizeAndSpansSegments) {
  log_.add_up_to(5);
  log_.add_up_to(7);
  log_.add_up_to(30);
  BatchCutter cutter(log_, {}, false);
  EXPECT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), sequence(1, 10));
  EXPECT_EQ(batch_.after(), 0);
  EXPECT_EQ(batch_.to(), 10);
  EXPECT_EQ(cut(cutter, 10, {10, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), sequence(11, 20));
  EXPECT_EQ(cut(cutter, 20, {100, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), sequence(21, 30));
  EXPECT_EQ(cut(cutter, 30, {100, kPlenty}).status, Cursor::Status::NoneYet);
  EXPECT_TRUE(batch_.empty());
  EXPECT_EQ(batch_.to(), 30);
}

TEST_F(BatchTest, BeginsInTheMiddleOfASegment) {
  log_.add_up_to(20);
  BatchCutter cutter(log_, {}, false);
  for (std::int64_t after = 0; after < 20; ++after) {
    ASSERT_EQ(cut(cutter, after, {3, kPlenty}).status, Cursor::Status::Segment);
    EXPECT_EQ(positions(), sequence(after + 1, std::min<std::int64_t>(after + 3, 20)));
  }
}

TEST_F(BatchTest, EverySizeHandsOutEachEventOnce) {
  log_.add(3, {{.position = 1}, {.position = 3}});
  log_.add(8, {});
  log_.add(9, {{.position = 9}});
  log_.add(40, {{.position = 10}, {.position = 20}, {.position = 39}});
  log_.add(41, {{.position = 41}});
  for (std::uint32_t size = 1; size <= 8; ++size) {
    for (const std::uint64_t bytes : {std::uint64_t{1}, std::uint64_t{400}, kPlenty}) {
      BatchCutter cutter(log_, {}, false);
      int batches = 0;
      EXPECT_EQ(drain(cutter, {size, bytes}, batches), (Positions{1, 3, 9, 10, 20, 39, 41})) << size << " " << bytes;
      EXPECT_EQ(batch_.to(), 41);
      if (bytes == kPlenty) {
        EXPECT_LE(batches, 7 / static_cast<int>(size) + 1);
      }
    }
  }
}

TEST_F(BatchTest, EndsAtTheBytesLimitButHoldsAtLeastOneEvent) {
  std::vector<EventText> events;
  for (std::int64_t position = 1; position <= 10; ++position) {
    events.push_back({.position = position, .payload = std::string(position == 4 ? 100000 : 1000, 'x')});
  }
  log_.add(10, events);
  BatchCutter cutter(log_, {}, false);
  const std::uint64_t limit = 3 * (1000 + sizeof(projector_event) + 100);
  ASSERT_EQ(cut(cutter, 0, {100, limit}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), sequence(1, 3));
  EXPECT_EQ(batch_.to(), 3) << "the large event is still to come";
  ASSERT_EQ(cut(cutter, 3, {100, limit}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), Positions{4}) << "one event may exceed the limit alone";
  ASSERT_EQ(cut(cutter, 4, {100, limit}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions().front(), 5);
  EXPECT_GE(positions().size(), 2u);
  int batches = 0;
  EXPECT_EQ(drain(cutter, {100, limit}, batches), sequence(1, 10));
}

TEST_F(BatchTest, OnlyMatchingEventsAreHandedOut) {
  log_.add(6, {{.position = 1, .event_type = "A", .aggregate_type = "x", .bounded_context = "c"},
               {.position = 2, .event_type = "B", .aggregate_type = "x", .bounded_context = "c"},
               {.position = 3, .event_type = "A", .aggregate_type = "y", .bounded_context = "c"},
               {.position = 4, .event_type = "A", .aggregate_type = "x", .bounded_context = "d"},
               {.position = 5, .event_type = "C", .aggregate_type = "x", .bounded_context = "c"},
               {.position = 6, .event_type = "D", .aggregate_type = "x", .bounded_context = "c"}});
  int batches = 0;
  BatchCutter types(log_, {{"A", "C"}, {}, {}, 0, 1}, false);
  EXPECT_EQ(drain(types, {100, kPlenty}, batches), (Positions{1, 3, 4, 5}));
  EXPECT_EQ(batch_.to(), 6) << "what does not match is passed over";
  BatchCutter aggregates(log_, {{}, {"y"}, {}, 0, 1}, false);
  EXPECT_EQ(drain(aggregates, {100, kPlenty}, batches), Positions{3});
  BatchCutter contexts(log_, {{}, {}, {"d"}, 0, 1}, false);
  EXPECT_EQ(drain(contexts, {100, kPlenty}, batches), Positions{4});
  BatchCutter all_three(log_, {{"A", "B"}, {"x"}, {"c"}, 0, 1}, false);
  EXPECT_EQ(drain(all_three, {1, kPlenty}, batches), (Positions{1, 2}));
  EXPECT_EQ(log_.last_filter.event_types, (std::vector<std::string>{"A", "B"})) << "the log may filter, too";
}

TEST_F(BatchTest, PartitionsShareTheEventsByAggregate) {
  std::vector<EventText> events;
  for (std::int64_t position = 1; position <= 300; ++position) {
    events.push_back({.position = position, .aggregate_id = "aggregate-" + std::to_string(position % 17)});
  }
  log_.add(300, events);
  Positions together;
  for (std::uint32_t partition = 0; partition < 4; ++partition) {
    BatchCutter cutter(log_, {{}, {}, {}, partition, 4}, false);
    int batches = 0;
    const auto own = drain(cutter, {7, kPlenty}, batches);
    EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
    for (const auto position : own) {
      EXPECT_EQ(base::fnv1a32("aggregate-" + std::to_string(position % 17)) % 4, partition);
    }
    together.insert(together.end(), own.begin(), own.end());
  }
  std::sort(together.begin(), together.end());
  EXPECT_EQ(together, sequence(1, 300));
}

TEST_F(BatchTest, FewMatchesOfALargeSegmentAreCopied) {
  std::vector<EventText> events;
  for (std::int64_t position = 1; position <= 1000; ++position) {
    events.push_back({.position = position,
                      .aggregate_id = "id" + std::to_string(position),
                      .event_type = position % 100 == 0 ? "Rare" : "Common",
                      .payload = "payload " + std::to_string(position)});
  }
  log_.add(1000, events);
  std::size_t segment_bytes = 0;
  std::weak_ptr<const eventlog::Segment> segment;
  {
    const auto looked_at = test::make_segment(0, 1000, events);
    segment_bytes = looked_at->bytes();
    log_.answer_next({Cursor::Status::Segment, looked_at, {}});
    log_.answer_next({Cursor::Status::NoneYet, nullptr, {}});
    segment = looked_at;
  }
  BatchCutter cutter(log_, {{"Rare"}, {}, {}, 0, 1}, false);
  ASSERT_EQ(cut(cutter, 0, {100, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_TRUE(segment.expired()) << "the batch keeps the segment alive";
  EXPECT_LT(batch_.bytes(), segment_bytes / 2);
  ASSERT_EQ(batch_.events().size(), 10u);
  for (std::size_t index = 0; index < 10; ++index) {
    const auto& event = *batch_.events()[index];
    const auto text = [](const projector_str& part) { return std::string(part.data, part.size); };
    const std::string number = std::to_string((index + 1) * 100);
    EXPECT_EQ(event.global_position, static_cast<std::int64_t>((index + 1) * 100));
    EXPECT_EQ(event.struct_size, sizeof(projector_event));
    EXPECT_EQ(text(event.bounded_context), "test");
    EXPECT_EQ(text(event.aggregate_type), "thing");
    EXPECT_EQ(text(event.aggregate_id), "id" + number);
    EXPECT_EQ(text(event.event_type), "Rare");
    EXPECT_EQ(text(event.payload), "payload " + number);
    EXPECT_EQ(event.trace_id.data, nullptr) << "NULL stays NULL";
    EXPECT_EQ(event.metadata.data, nullptr);
  }
}

TEST_F(BatchTest, ManyMatchesKeepTheSegment) {
  const auto segment = test::make_segment(0, 2, {{.position = 1}, {.position = 2}});
  log_.answer_next({Cursor::Status::Segment, segment, {}});
  log_.answer_next({Cursor::Status::NoneYet, nullptr, {}});
  BatchCutter cutter(log_, {}, false);
  ASSERT_EQ(cut(cutter, 0, {100, kPlenty}).status, Cursor::Status::Segment);
  ASSERT_EQ(batch_.events().size(), 2u);
  EXPECT_EQ(batch_.events()[0], &segment->events()[0]) << "not copied";
  EXPECT_EQ(cut(cutter, 2, {100, kPlenty}).status, Cursor::Status::NoneYet);
  EXPECT_EQ(segment.use_count(), 1) << "given back before the next wait";
}

TEST_F(BatchTest, ABatchWithoutAnEventAdvances) {
  log_.add(50, {{.position = 10}, {.position = 20}});
  log_.add(60, {});
  BatchCutter cutter(log_, {{"Absent"}, {}, {}, 0, 1}, false);
  ASSERT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_TRUE(batch_.empty());
  EXPECT_EQ(batch_.after(), 0);
  EXPECT_EQ(batch_.to(), 60);
  EXPECT_EQ(batch_.bytes(), 0u);
}

TEST_F(BatchTest, ScanningWithoutAMatchEndsAtItsLimit) {
  log_.add(10, {{.position = 10}});
  log_.add(20, {{.position = 20}});
  BatchCutter cutter(log_, {{"Absent"}, {}, {}, 0, 1}, false);
  ASSERT_EQ(cut(cutter, 0, {10, kPlenty}, base::Duration::zero()).status, Cursor::Status::Segment);
  EXPECT_EQ(batch_.to(), 10) << "one segment, then the checkpoint's turn";
}

TEST_F(BatchTest, TheLastMatchOfAFullBatchIsItsEnd) {
  log_.add(
      50,
      {{.position = 10, .event_type = "A"}, {.position = 20, .event_type = "B"}, {.position = 30, .event_type = "A"}});
  BatchCutter cutter(log_, {{"A"}, {}, {}, 0, 1}, false);
  ASSERT_EQ(cut(cutter, 0, {1, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), Positions{10});
  EXPECT_EQ(batch_.to(), 10);
  ASSERT_EQ(cut(cutter, 10, {2, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), Positions{30});
  EXPECT_EQ(batch_.to(), 50);
}

TEST_F(BatchTest, AnEventThatDoesNotFitAtASegmentsBeginStaysForTheNext) {
  log_.add(5, {{.position = 5, .payload = std::string(900, 'x')}});
  log_.add(9, {{.position = 9, .payload = std::string(900, 'x')}});
  BatchCutter cutter(log_, {}, false);
  ASSERT_EQ(cut(cutter, 0, {10, 1600}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), Positions{5});
  EXPECT_EQ(batch_.to(), 5) << "never back, never past the event that is left";
  ASSERT_EQ(cut(cutter, 5, {10, 1600}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), Positions{9});
}

TEST_F(BatchTest, SegmentsOfTwoIncarnationsAreNotMixed) {
  log_.answer_next({Cursor::Status::Segment, test::make_segment(0, 2, {{.position = 1}, {.position = 2}}, 1), {}});
  log_.answer_next({Cursor::Status::Segment, test::make_segment(2, 4, {{.position = 3}, {.position = 4}}, 2), {}});
  BatchCutter cutter(log_, {}, false);
  ASSERT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), (Positions{1, 2}));
  EXPECT_EQ(batch_.to(), 2);
  EXPECT_EQ(batch_.incarnation(), 1u);
  log_.answer_next({Cursor::Status::Segment, test::make_segment(2, 4, {{.position = 3}, {.position = 4}}, 2), {}});
  ASSERT_EQ(cut(cutter, 2, {10, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(batch_.incarnation(), 2u);
}

TEST_F(BatchTest, IsAsOldAsItsOldestSegment) {
  const auto older = base::Clock::now() - std::chrono::minutes(2);
  const auto newer = base::Clock::now() - std::chrono::minutes(1);
  log_.add(1, {{.position = 1}}, newer);
  log_.add(2, {{.position = 2}}, older);
  BatchCutter cutter(log_, {}, false);
  ASSERT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), (Positions{1, 2}));
  EXPECT_EQ(batch_.read_at(), older);
}

TEST_F(BatchTest, WhatTheLogSaysInsteadIsPassedOn) {
  BatchCutter cutter(log_, {}, true);
  EXPECT_TRUE(log_.last_durable_only);
  log_.answer_next({Cursor::Status::NewStore, nullptr, {}});
  EXPECT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::NewStore);
  log_.answer_next({Cursor::Status::Halted, nullptr, "position 7 is above the sequence"});
  const auto halted = cut(cutter, 0, {10, kPlenty});
  EXPECT_EQ(halted.status, Cursor::Status::Halted);
  EXPECT_EQ(halted.reason, "position 7 is above the sequence");
  stop_.request();
  EXPECT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::Stopped);
}

TEST_F(BatchTest, ALostStoreVoidsABatchThatHasBegun) {
  log_.answer_next({Cursor::Status::Segment, test::make_segment(0, 2, {{.position = 1}}), {}});
  log_.answer_next({Cursor::Status::NewStore, nullptr, {}});
  BatchCutter cutter(log_, {}, false);
  EXPECT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::NewStore);
  cutter.restarted();
  EXPECT_EQ(log_.restarts, 1);
}

TEST_F(BatchTest, ABatchThatHasBegunIsHandedOutWhenNoMoreIsThere) {
  log_.add_up_to(3);
  log_.set_settled(100);
  BatchCutter cutter(log_, {}, false);
  ASSERT_EQ(cut(cutter, 0, {10, kPlenty}).status, Cursor::Status::Segment);
  EXPECT_EQ(positions(), sequence(1, 3));
}

} // namespace
} // namespace projector::projection
