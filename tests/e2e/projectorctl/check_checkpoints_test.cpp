#include "adopt_test.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::HasSubstr;

/// What "check --connect" says to checkpoints is what a start says.
class CheckCheckpoints : public AdoptCommand {
protected:
  [[nodiscard]] test::Finished check() const { return ctl({"check", "--connect"}); }
  /// The reason for which a host that is started refuses the projection.
  std::string refusal_of_a_start() {
    host_.start();
    EXPECT_TRUE(shows_state("refused")) << host_.log();
    const auto reason = value("SELECT reason FROM projector_workers LIMIT 1");
    EXPECT_EQ(host_.stop(), 0);
    return reason;
  }
};

TEST_F(CheckCheckpoints, RowsThatAStartWouldRefuseAreRefusedWithTheSameWords) {
  add_events(100);
  run_seed(4, {0, 1, 2});
  configure(4);
  const auto run = check();
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("things      refused  4 "));
  EXPECT_EQ(value("SELECT to_regclass('projector_projections')"), "") << "a look makes no table";
  EXPECT_THAT(run.output, HasSubstr("things: refused: " + refusal_of_a_start() + "\n"));
  ASSERT_EQ(adopt({"--partitions", "4"}).code, 0);
  EXPECT_EQ(check().code, 0);
}

TEST_F(CheckCheckpoints, ARowThatSomebodyElseMovedIsRefusedForItsPartition) {
  add_events(100);
  configure(2);
  run_host();
  value("UPDATE projection_checkpoints SET last_global_position = 7 WHERE projection_name = 'things_p1'");
  const auto run = check();
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("things: refused: checkpoint things_p1 was moved by another program"));
  EXPECT_EQ(run.output.find("things_p0 was moved"), std::string::npos) << run.output;
}

TEST_F(CheckCheckpoints, AnotherPartitionCountAndAPositionAboveTheStoreAreRefused) {
  add_events(100);
  run_host();
  configure(2);
  EXPECT_THAT(check().output, HasSubstr("things: refused: checkpoint things was written with 1 partitions"));
  configure(1);
  EXPECT_EQ(check().code, 0);
  value("SELECT setval('events_global_position_seq', 50)");
  EXPECT_THAT(check().output,
              HasSubstr("things: refused: checkpoint things stands at 100, above the last position 50"));
}

TEST_F(CheckCheckpoints, WhatHasNeverRunIsGood) {
  add_events(10);
  const auto run = check();
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("things      good "));
}

TEST_F(CheckCheckpoints, WithoutConnectItSaysThatItDidNotAsk) {
  EXPECT_THAT(ctl({"check"}).output,
              HasSubstr("the databases were not checked: \"check --connect\" checks there what a start "
                        "would\n"));
}

} // namespace
} // namespace projector::control
