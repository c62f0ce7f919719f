#include "base/backoff.hpp"

#include <gtest/gtest.h>

#include <set>

namespace projector::base {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

void expect_within(Duration pause, Duration step) {
  EXPECT_GE(pause, step / 2);
  EXPECT_LE(pause, step);
}

TEST(Backoff, DoublesItsStepUpToTheLongest) {
  for (int repeat = 0; repeat < 200; ++repeat) {
    Backoff backoff(milliseconds(100), milliseconds(1000));
    for (const int step : {100, 200, 400, 800, 1000, 1000, 1000}) {
      expect_within(backoff.next(), milliseconds(step));
    }
  }
}

TEST(Backoff, StartsAgainAfterReset) {
  Backoff backoff(milliseconds(100), milliseconds(30000));
  for (int i = 0; i < 20; ++i) {
    backoff.next();
  }
  expect_within(backoff.next(), milliseconds(30000));
  backoff.reset();
  expect_within(backoff.next(), milliseconds(100));
  expect_within(backoff.next(), milliseconds(200));
}

TEST(Backoff, NeverOverflows) {
  Backoff backoff(microseconds(1), std::chrono::hours(24 * 365));
  for (int i = 0; i < 1000; ++i) {
    const Duration pause = backoff.next();
    EXPECT_GE(pause, microseconds(0));
    EXPECT_LE(pause, std::chrono::hours(24 * 365));
  }
}

TEST(Backoff, SpreadsItsPauses) {
  Backoff backoff(milliseconds(100), milliseconds(100));
  std::set<Duration> pauses;
  for (int i = 0; i < 100; ++i) {
    pauses.insert(backoff.next());
  }
  EXPECT_GT(pauses.size(), 50U);
}

TEST(Backoff, SpreadsTheFirstPausesOfTwoOwners) {
  std::set<Duration> pauses;
  for (int i = 0; i < 100; ++i) {
    pauses.insert(Backoff(milliseconds(100), milliseconds(100)).next());
  }
  EXPECT_GT(pauses.size(), 50U);
}

} // namespace
} // namespace projector::base
