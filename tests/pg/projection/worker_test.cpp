#include "pg/projection/worker_fixture.hpp"

#include "base/fnv1a.hpp"

namespace projector::projection {
namespace {

TEST_F(WorkerTest, HandlesEachEventOnceAndGoesOnWhereItStopped) {
  log_.add_up_to(25);
  start("recorder");
  EXPECT_TRUE(stores(25));
  EXPECT_EQ(seen(), sequence(1, 25));
  EXPECT_TRUE(reaches(State::Live));
  const auto status = worker_->status();
  EXPECT_EQ(status.handled, 25u);
  EXPECT_EQ(status.batches, 3u);
  EXPECT_EQ(status.position, 25);
  EXPECT_EQ(status.stored, 25);
  EXPECT_TRUE(status.passed_trial);
  EXPECT_EQ(status.plugin_version, "1.0.0");
  stop();
  log_.add_up_to(40);
  start("recorder");
  EXPECT_TRUE(stores(40));
  EXPECT_EQ(seen(), sequence(1, 40));
  log_.add_up_to(41);
  EXPECT_TRUE(stores(41)) << "live";
}

TEST_F(WorkerTest, BeginsAtTheEndWhereItIsAskedTo) {
  log_.add_up_to(10);
  projection_.start_from.kind = config::StartFrom::Kind::End;
  start("recorder");
  EXPECT_TRUE(stores(10));
  log_.add_up_to(12);
  EXPECT_TRUE(stores(12));
  EXPECT_EQ(seen(), "11 12");
}

TEST_F(WorkerTest, APartitionHandlesItsShare) {
  log_.add_up_to(50);
  projection_.partitions = 2;
  partition_ = 1;
  start("recorder");
  std::string expected;
  for (int position = 1; position <= 50; ++position) {
    if (base::fnv1a32("a" + std::to_string(position)) % 2 == 1) {
      expected += (expected.empty() ? "" : " ") + std::to_string(position);
    }
  }
  EXPECT_TRUE(test::eventually([&] { return checkpoints() == "seen_p0|0 seen_p1|50"; })) << checkpoints();
  EXPECT_EQ(seen(), expected);
}

TEST_F(WorkerTest, WhatRunsNoStatementIsStoredInGroups) {
  log_.add_up_to(25);
  start("noop");
  EXPECT_TRUE(stores(25));
  EXPECT_EQ(pool_.snapshot().in_use, 0u);
}

TEST_F(WorkerTest, AStopStoresWhatIsHandled) {
  projection_.checkpoint_interval = std::chrono::hours(1);
  log_.add_up_to(25);
  start("external", {{"retry_after", "0"}});
  EXPECT_TRUE(test::eventually([&] { return lines() == sequence(1, 25); }));
  EXPECT_TRUE(test::eventually([&] { return worker_->status().position == 25; }));
  EXPECT_EQ(checkpoints(), "seen|0");
  stop();
  EXPECT_EQ(checkpoints(), "seen|25");
}

TEST_F(WorkerTest, AnExternalOneThatFailsRepeatsOnlyTheBatchThatFailed) {
  projection_.checkpoint_interval = std::chrono::hours(1);
  log_.add_up_to(10);
  start("external", {{"retry_after", "0"}});
  EXPECT_TRUE(test::eventually([&] { return worker_ && worker_->status().position == 10; }));
  std::filesystem::rename(temporary_.path() / "events", temporary_.path() / "first");
  std::filesystem::create_directory(temporary_.path() / "events"); // the plugin cannot append to it: RETRY, then REJECT
  log_.add_up_to(11);
  EXPECT_TRUE(reaches(State::Failed)) << to_string(worker_->status().state);
  EXPECT_TRUE(stores(10)) << "what was done before the failure is not done again";
  EXPECT_NE(worker_->status().reason.find("event at position 11 (Happened of thing a11) was rejected: "),
            std::string::npos)
      << worker_->status().reason;
}

TEST_F(WorkerTest, AnExternalOnesPartialBatchIsNotRepeated) {
  log_.add_up_to(8);
  start("external", {{"retry_after", "5"}});
  EXPECT_TRUE(stores(8));
  EXPECT_EQ(lines(), sequence(1, 8));
}

TEST_F(WorkerTest, ARejectedEventIsFoundWithTheGoodOnesBeforeItKept) {
  log_.add_up_to(30);
  for (const char* tell : {"true", "false"}) {
    projection_.name = projection_.checkpoint = std::string("seen") + tell[0];
    start("rejects", {{"event_type", ""}, {"position", "17"}, {"tell", tell}});
    ASSERT_TRUE(reaches(State::Failed));
    EXPECT_EQ(table("SELECT global_position FROM " + projection_.name + "_seen ORDER BY 1"), sequence(1, 16));
    EXPECT_EQ(worker_->status().reason, std::string("event at position 17 (Happened of thing a17) was rejected: ") +
                                            (tell[0] == 't' ? "rejected position 17" : "rejected one of them"));
    EXPECT_EQ(look("SELECT position FROM projector_checkpoints WHERE name = '" + projection_.name + "'"), "16");
    stop();
  }
}

TEST_F(WorkerTest, ARetryIsTriedAgainUpToItsLimit) {
  log_.add_up_to(5);
  projection_.max_retries = 3;
  start("retries", {{"times", "3"}, {"position", "0"}});
  EXPECT_TRUE(stores(5));
  EXPECT_EQ(seen(), sequence(1, 5));
  stop();
  log_.add_up_to(6);
  start("retries", {{"times", "4"}, {"position", "6"}});
  EXPECT_TRUE(reaches(State::Failed));
  EXPECT_EQ(worker_->status().reason, "event at position 6 (Happened of thing a6) was rejected: not yet");
}

TEST_F(WorkerTest, AFatalOneStopsAndIsTriedAgain) {
  log_.add_up_to(5);
  projection_.restart_interval = std::chrono::milliseconds(1);
  start("fatal_on", {{"position", "3"}});
  EXPECT_TRUE(test::eventually([&] { return worker_->status().reason == "cannot go on"; }));
  EXPECT_EQ(seen(), "");
  stop();
  start("fatal_on", {{"position", "30"}});
  EXPECT_TRUE(stores(5));
}

TEST_F(WorkerTest, WithNothingToDoItIsLive) {
  start("recorder");
  EXPECT_TRUE(reaches(State::Live)) << "on an empty store";
  stop();
  log_.add_up_to(3);
  start("recorder");
  EXPECT_TRUE(stores(3));
  stop();
  start("recorder");
  EXPECT_TRUE(reaches(State::Live)) << "where all is handled";
}

TEST_F(WorkerTest, IsNotLiveWhileWhatIsSettledIsStillRead) {
  log_.add_up_to(3);
  log_.set_settled(100);
  start("recorder");
  EXPECT_TRUE(stores(3));
  const int before = log_.looks;
  EXPECT_TRUE(test::eventually([&] { return log_.looks >= before + 3; }));
  EXPECT_EQ(worker_->status().state, State::CatchingUp);
  log_.set_settled(3);
  EXPECT_TRUE(reaches(State::Live));
}

TEST_F(WorkerTest, ASettingUpThatFailsIsShown) {
  start("setup_fails");
  EXPECT_TRUE(reaches(State::Failed));
  EXPECT_EQ(worker_->status().reason.find("the plugin's setup failed: "), 0u) << worker_->status().reason;
  stop();
  start("create_fails");
  EXPECT_TRUE(reaches(State::Failed));
  EXPECT_EQ(worker_->status().reason.find("the plugin's create failed: "), 0u) << worker_->status().reason;
}

TEST_F(WorkerTest, AStopEndsAPluginThatHeedsIt) {
  log_.add_up_to(3);
  start("slow", {{"delay", "3600000000"}, {"heed_stop", "true"}});
  EXPECT_TRUE(reaches(State::CatchingUp));
  stop();
  EXPECT_EQ(checkpoints(), "seen|0");
}

} // namespace
} // namespace projector::projection
