#include "eventlog/flush_tracker.hpp"

#include <gtest/gtest.h>

namespace projector::eventlog {
namespace {

TEST(FlushTracker, DurableFollowsTheFlush) {
  FlushTracker flush(5);
  EXPECT_FALSE(flush.lagging());
  flush.settled(10, 1000);
  flush.settled(20, 2000);
  flush.flushed(999);
  EXPECT_EQ(flush.durable(), 5);
  flush.flushed(1000);
  EXPECT_EQ(flush.durable(), 10);
  EXPECT_TRUE(flush.lagging());
  flush.flushed(5000);
  EXPECT_EQ(flush.durable(), 20);
  EXPECT_FALSE(flush.lagging());
}

TEST(FlushTracker, OneEntryForOnePlaceInTheLog) {
  FlushTracker flush(0);
  flush.settled(10, 1000);
  flush.settled(11, 1000);
  flush.settled(7, 900); // nothing new
  flush.flushed(1000);
  EXPECT_EQ(flush.durable(), 11);
}

TEST(FlushTracker, StaysBoundedAndSafe) {
  FlushTracker flush(0);
  for (int step = 1; step <= 10000; ++step) {
    flush.settled(step, step * 10);
  }
  flush.flushed(99999);
  EXPECT_LT(flush.durable(), 10000);
  flush.flushed(100000);
  EXPECT_EQ(flush.durable(), 10000);
}

TEST(FlushTracker, PageHeadersNeedNoFlush) {
  constexpr std::int64_t kPage = 8192, kSegment = 16 << 20;
  EXPECT_EQ(flush_needed(5 * kPage + 24, kPage, kSegment), 5 * kPage);
  EXPECT_EQ(flush_needed(3 * kSegment + 40, kPage, kSegment), 3 * kSegment);
  EXPECT_EQ(flush_needed(5 * kPage + 40, kPage, kSegment), 5 * kPage + 40) << "a record may end there";
  EXPECT_EQ(flush_needed(5 * kPage + 4096, kPage, kSegment), 5 * kPage + 4096);
  EXPECT_EQ(flush_needed(5 * kPage, kPage, kSegment), 5 * kPage);
}

} // namespace
} // namespace projector::eventlog
