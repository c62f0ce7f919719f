#include "pg/projection/worker_fixture.hpp"

namespace projector::projection {
namespace {

/// A worker of a generation on trial: if it fails, an older generation comes back.
class WorkerTrialTest : public WorkerTest {
protected:
  WorkerTrialTest() {
    assignment_.trial = trial_;
    projection_.restart_interval = std::chrono::milliseconds(1);
  }
  bool fails(State state = State::Failed) { return reaches(state) && worker_->status().state == state; }
  std::shared_ptr<std::atomic<bool>> trial_ = std::make_shared<std::atomic<bool>>(true);
};

TEST_F(WorkerTrialTest, ARejectedFirstBatchIsNotNarrowedDownAndLeavesNothing) {
  log_.add_up_to(20);
  start("rejects", {{"event_type", ""}, {"position", "7"}, {"tell", "true"}});
  ASSERT_TRUE(fails());
  EXPECT_EQ(worker_->status().reason, "event at position 7 (Happened of thing a7) was rejected: rejected position 7");
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(checkpoints(), "seen|0");
  EXPECT_FALSE(worker_->status().passed_trial);
}

TEST_F(WorkerTrialTest, ARejectThatNamesNoEventTellsTheBatch) {
  log_.add_up_to(20);
  start("rejects", {{"event_type", ""}, {"position", "7"}, {"tell", "false"}});
  ASSERT_TRUE(fails());
  EXPECT_EQ(worker_->status().reason, "one of 10 events from the event at position 1 (Happened of thing a1) was "
                                      "rejected: rejected one of them");
  EXPECT_EQ(seen(), "");
}

TEST_F(WorkerTrialTest, AfterItTheOlderGenerationGoesOnWhereItStood) {
  log_.add_up_to(20);
  start("fatal_on", {{"position", "7"}});
  ASSERT_TRUE(fails());
  stop();
  assignment_.trial = nullptr;
  start("recorder");
  EXPECT_TRUE(stores(20)) << "the older generation goes on where it stood";
  EXPECT_EQ(seen(), sequence(1, 20));
}

TEST_F(WorkerTrialTest, TheFirstCommitEndsIt) {
  log_.add_up_to(20);
  start("rejects", {{"event_type", ""}, {"position", "17"}, {"tell", "false"}});
  ASSERT_TRUE(stores(16)) << "narrowed down as ever";
  EXPECT_EQ(seen(), sequence(1, 16));
  EXPECT_TRUE(worker_->status().passed_trial);
}

TEST_F(WorkerTrialTest, APositionThatIsStoredWithoutAStatementEndsIt) {
  log_.add_up_to(20);
  projection_.checkpoint_interval = std::chrono::hours(1);
  start("noop");
  ASSERT_TRUE(reaches(State::Live));
  EXPECT_FALSE(worker_->status().passed_trial) << "the plugin took all, and nothing is stored";
  stop();
  projection_.checkpoint_interval = std::chrono::milliseconds(1);
  start("noop");
  log_.add_up_to(30);
  ASSERT_TRUE(stores(30));
  EXPECT_TRUE(test::eventually([&] { return worker_->status().passed_trial; }));
}

TEST_F(WorkerTrialTest, TimeEndsItWhereThereIsNoEvent) {
  projection_.trial_time = std::chrono::milliseconds(20);
  start("recorder");
  EXPECT_TRUE(test::eventually([&] { return worker_->status().passed_trial; }));
}

TEST_F(WorkerTrialTest, SetupThatFailsIsFinal) {
  log_.add_up_to(20);
  start("setup_fails");
  ASSERT_TRUE(fails());
  EXPECT_NE(worker_->status().reason, "");
  EXPECT_EQ(checkpoints(), "seen|0");
}

} // namespace
} // namespace projector::projection
