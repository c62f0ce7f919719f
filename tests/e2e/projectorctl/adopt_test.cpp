#include "adopt_test.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::HasSubstr;

TEST_F(AdoptCommand, APartitionWhoseWorkerNeverRanIsHandledFromTheBeginning) {
  add_events(200);
  run_seed(4, {0, 1, 2});
  add_events(50);
  configure(4);
  const auto dry = adopt({"--partitions", "4", "--dry-run"});
  EXPECT_EQ(dry.code, 0);
  EXPECT_THAT(dry.output, HasSubstr("things_p3  -      -"));
  EXPECT_THAT(dry.output, HasSubstr("Nothing was changed"));
  EXPECT_EQ(mirrored(), "things_p0 200, things_p1 200, things_p2 200");
  EXPECT_EQ(value("SELECT to_regclass('projector_projections')"), "") << "a look makes no table";
  const auto run = adopt({"--partitions", "4"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("things is this host's now, with 4 partitions. The configuration has partitions = 4"));
  EXPECT_EQ(mirrored(), "things_p0 200, things_p1 200, things_p2 200, things_p3 0");
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 0");
}

TEST_F(AdoptCommand, AskedWithoutACountItSaysWhatItFoundAndChangesNothing) {
  add_events(10);
  run_seed(4, {0, 1, 2});
  const auto run = adopt({});
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.output, "add --partitions N with the partition count that the old workers ran with, which the rows do "
                        "not tell: a worker that has never run has none; found things_p0, things_p1, things_p2\n");
}

TEST_F(AdoptCommand, RowsThatAScaleChangeLeftAreDeletedAndTheNewOnesKept) {
  add_events(200);
  run_seed(8, {0, 1, 2, 3, 4, 5, 6, 7});
  add_events(100);
  run_seed(4, {0, 1, 2, 3});
  add_events(50);
  configure(4);
  const auto run = adopt({"--partitions", "4"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("things_p7  200"));
  EXPECT_THAT(run.output, HasSubstr("deleted: no partition of 4"));
  EXPECT_EQ(mirrored(), "things_p0 300, things_p1 300, things_p2 300, things_p3 300");
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 0");
}

TEST_F(AdoptCommand, ACountThatIsTooSmallForTheNewestRowsIsRefusedAndTheLowestLosesNothing) {
  add_events(200);
  run_seed(2, {0, 1});
  add_events(40);
  run_seed(2, {0});
  value("INSERT INTO projection_checkpoints VALUES ('things', 240)");
  value("UPDATE projection_checkpoints SET updated_at = now()");
  const auto refused = adopt({"--partitions", "1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("things_p0, things_p1 are no partition of that count, and they are not older"));
  EXPECT_EQ(mirrored(), "things 240, things_p0 240, things_p1 200");
  const auto lowest = adopt({"--partitions", "1", "--lowest"});
  EXPECT_EQ(lowest.code, 0) << lowest.output;
  EXPECT_THAT(lowest.output, HasSubstr("At most 40 events may be handled twice.\n"));
  EXPECT_EQ(mirrored(), "things 200");
  run_host();
  EXPECT_EQ(lost_and_doubled().substr(0, 2), "0 ");
}

TEST_F(AdoptCommand, WhatTheLibrarysWorkersHandledAfterTheHostIsGoneOnFrom) {
  add_events(100);
  configure(2);
  run_host();
  add_events(100);
  run_seed(2, {0, 1});
  add_events(100);
  const auto run = adopt({});
  EXPECT_EQ(run.code, 0) << run.output;
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 0");
}

TEST_F(AdoptCommand, IsRefusedWhileAHostRunsTheProjection) {
  add_events(10);
  host_.start();
  ASSERT_TRUE(shows_state("live")) << host_.log();
  const auto run = adopt({});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("things runs: host "));
  EXPECT_EQ(host_.stop(), 0);
}

} // namespace
} // namespace projector::control
