#include "projection/delivery_history.hpp"

#include <projector/plugin.h>

#include <gtest/gtest.h>

namespace projector::projection {
namespace {

TEST(DeliveryHistory, ABatchThatBeginsWhereTheOneBeforeBeganIsAnotherAttempt) {
  DeliveryHistory history;
  history.begin(0, 0);
  EXPECT_EQ(history.next_call(1).attempt, 1u);
  EXPECT_EQ(history.next_call(1).attempt, 2u);
  const auto third = history.next_call(1);
  EXPECT_EQ(third.attempt, 3u);
  EXPECT_EQ(third.flags, PROJECTOR_BATCH_REPEATED);
  EXPECT_EQ(history.next_call(11).attempt, 1u);
}

TEST(DeliveryHistory, WhatWasNotCommittedIsRepeated) {
  DeliveryHistory history;
  history.begin(0, 0);
  EXPECT_EQ(history.next_call(1).flags, 0u);
  history.not_committed(10);
  EXPECT_EQ(history.next_call(6).flags, PROJECTOR_BATCH_REPEATED) << "a shorter batch within it";
  EXPECT_EQ(history.next_call(11).flags, 0u);
}

TEST(DeliveryHistory, ANewInstanceIsToldWhatAnEarlierOneMayHaveSeen) {
  DeliveryHistory history;
  history.begin(0, 20);
  EXPECT_EQ(history.next_call(20).flags, PROJECTOR_BATCH_REPEATED);
  EXPECT_EQ(history.next_call(21).flags, 0u);
  history.begin(0, 0);
  EXPECT_EQ(history.next_call(21).attempt, 1u) << "the attempts of the instance before do not count";
}

TEST(DeliveryHistory, EventsThatWereHandledBeforeTheResetAreOfARebuild) {
  DeliveryHistory history;
  history.begin(30, 0);
  EXPECT_EQ(history.next_call(30).flags, PROJECTOR_BATCH_REBUILD);
  EXPECT_EQ(history.next_call(31).flags, 0u);
}

} // namespace
} // namespace projector::projection
