#include "projection/batch.hpp"

#include "unit/projection/fake_event_log.hpp"

#include <gtest/gtest.h>

namespace projector::projection {
namespace {

using eventlog::Cursor;

/// The batch that follows `after` and ends at `up_to` at the latest, as "to:first..last"; "to:" if it has no events.
std::string cut(BatchCutter& cutter, std::int64_t after, std::int64_t up_to, std::uint32_t size = 100) {
  Batch batch;
  BatchLimits limits{size, 1u << 20};
  limits.up_to = up_to;
  const auto cut = cutter.cut(batch, after, limits, base::TimePoint{}, std::chrono::hours(1), base::no_stop());
  if (cut.status != Cursor::Status::Segment) {
    return "none";
  }
  std::string text = std::to_string(batch.to()) + ":";
  if (!batch.empty()) {
    text += std::to_string(batch.events().front()->global_position) + ".." +
            std::to_string(batch.events().back()->global_position);
  }
  return text;
}

TEST(BatchLimit, IsNeverPassedWhereverItLies) {
  test::FakeEventLog log;
  log.add_up_to(5);
  log.add_up_to(10);
  log.add_up_to(20);
  BatchCutter cutter(log, {}, false);
  for (std::int64_t after = 0; after < 20; ++after) {
    for (std::int64_t up_to = after + 1; up_to <= 20; ++up_to) {
      const auto to = std::to_string(up_to);
      ASSERT_EQ(cut(cutter, after, up_to), to + ":" + std::to_string(after + 1) + ".." + to);
    }
  }
  EXPECT_EQ(cut(cutter, 0, 1000), "20:1..20");
}

TEST(BatchLimit, IsWhereABatchWithoutEventsStops) {
  test::FakeEventLog log;
  log.add(100, {{.position = 10, .event_type = "Other"}, {.position = 50}, {.position = 90}});
  BatchCutter cutter(log, {.event_types = {"Happened"}, .aggregate_types = {}, .bounded_contexts = {}}, false);
  EXPECT_EQ(cut(cutter, 0, 30), "30:");
  EXPECT_EQ(cut(cutter, 0, 49), "49:");
  EXPECT_EQ(cut(cutter, 0, 50), "50:50..50");
  EXPECT_EQ(cut(cutter, 0, 60), "60:50..50");
  EXPECT_EQ(cut(cutter, 30, 95), "95:50..90");
  EXPECT_EQ(cut(cutter, 0, 95, 1), "50:50..50") << "a full batch ends before it";
}

TEST(BatchLimit, ReadsNothingBehindIt) {
  test::FakeEventLog log;
  log.add_up_to(5);
  log.add_up_to(10);
  BatchCutter cutter(log, {}, false);
  EXPECT_EQ(cut(cutter, 0, 5), "5:1..5");
  EXPECT_EQ(log.looks, 1);
}

} // namespace
} // namespace projector::projection
