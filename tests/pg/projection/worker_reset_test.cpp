#include "pg/projection/worker_fixture.hpp"

namespace projector::projection {
namespace {

/// A read model of version 1 with 25 events in it; `rebuild/recorder` rebuilds it in version 2.
class WorkerResetTest : public WorkerTest {
protected:
  void make_first_version() {
    log_.add_up_to(25);
    start("recorder");
    ASSERT_TRUE(stores(25));
    stop();
    run("UPDATE seen_seen SET projection = 'first'");
  }
  std::string projection_row() {
    return table("SELECT epoch, read_model_version, rebuild_requested FROM projector_projections");
  }
  bool rebuilt() {
    return test::eventually([&] { return projection_row() == "2|2|0"; });
  }
  std::string makers() { return table("SELECT DISTINCT projection FROM seen_seen ORDER BY 1"); }
};

TEST_F(WorkerResetTest, AnotherVersionIsRefusedWithWhatToRun) {
  make_first_version();
  start("rebuild/recorder");
  ASSERT_TRUE(reaches(State::Refused));
  EXPECT_NE(worker_->status().reason.find("\"projectorctl rebuild seen\""), std::string::npos)
      << worker_->status().reason;
  EXPECT_EQ(projection_row(), "1|1|0");
  EXPECT_EQ(makers(), "first");
}

TEST_F(WorkerResetTest, AutomaticallyItIsEmptiedAndMadeAgainFromTheFirstEvent) {
  make_first_version();
  projection_.rebuild = config::Rebuild::Automatic;
  start("rebuild/recorder");
  EXPECT_TRUE(rebuilt());
  EXPECT_TRUE(stores(25));
  EXPECT_TRUE(test::eventually([&] { return seen() == sequence(1, 25); }));
  EXPECT_EQ(makers(), "seen");
  EXPECT_EQ(projection_row(), "2|2|0");
  EXPECT_EQ(mirror(), "seen|25");
  EXPECT_TRUE(worker_->status().passed_trial);
  log_.add_up_to(30);
  EXPECT_TRUE(stores(30));
}

TEST_F(WorkerResetTest, ARequestIsServedOnce) {
  make_first_version();
  run("UPDATE projector_projections SET rebuild_requested = 4");
  assignment_.rebuild = true;
  start("recorder");
  EXPECT_TRUE(test::eventually([&] { return projection_row() == "2|1|0"; }));
  EXPECT_TRUE(stores(25));
  EXPECT_EQ(makers(), "seen");
  stop();
  start("recorder");
  log_.add_up_to(26);
  EXPECT_TRUE(stores(26));
  EXPECT_EQ(projection_row(), "2|1|0");
}

TEST_F(WorkerResetTest, AFirstBatchThatFailsLeavesTheOldReadModelAsItWas) {
  make_first_version();
  run("ALTER TABLE seen_seen ADD CHECK (projection = 'first' OR global_position <> 5)");
  projection_.rebuild = config::Rebuild::Automatic;
  assignment_.trial = std::make_shared<std::atomic<bool>>(true);
  start("rebuild/recorder");
  ASSERT_TRUE(reaches(State::Failed));
  EXPECT_EQ(seen(), sequence(1, 25));
  EXPECT_EQ(makers(), "first");
  EXPECT_EQ(projection_row(), "1|1|0");
  EXPECT_EQ(checkpoints(), "seen|25");
  EXPECT_EQ(mirror(), "seen|25");
}

TEST_F(WorkerResetTest, AResetThatFailsIsToldAsSuch) {
  start("statement", {{"setup", ""}, {"exec", ""}, {"query", ""}, {"reset", "DELETE FROM nowhere"}});
  ASSERT_TRUE(reaches(State::Live));
  stop();
  run("UPDATE projector_projections SET rebuild_requested = 1");
  assignment_.rebuild = true;
  start("statement", {{"setup", ""}, {"exec", ""}, {"query", ""}, {"reset", "DELETE FROM nowhere"}});
  ASSERT_TRUE(reaches(State::Failed));
  EXPECT_EQ(worker_->status().reason.find("the plugin's reset failed: "), 0u) << worker_->status().reason;
  EXPECT_NE(worker_->status().reason.find("nowhere"), std::string::npos) << worker_->status().reason;
  EXPECT_EQ(projection_row(), "1|1|1");
}

TEST_F(WorkerResetTest, WithoutAnEventTheResetStandsAlone) {
  start("recorder");
  ASSERT_TRUE(reaches(State::Live));
  stop();
  projection_.rebuild = config::Rebuild::Automatic;
  start("rebuild/recorder");
  EXPECT_TRUE(rebuilt());
  log_.add_up_to(3);
  EXPECT_TRUE(stores(3));
}

TEST_F(WorkerResetTest, AllPartitionsGoBackAndTheOthersWaitForTheOneThatLeads) {
  log_.add_up_to(50);
  projection_.partitions = 2;
  for (partition_ = 0; partition_ < 2; ++partition_) {
    start("recorder");
    const auto name = "seen_p" + std::to_string(partition_) + "|50";
    ASSERT_TRUE(test::eventually([&] { return checkpoints().find(name) != std::string::npos; }));
    stop();
  }
  projection_.rebuild = config::Rebuild::Automatic;
  partition_ = 1;
  assignment_.leads = false;
  start("rebuild/recorder");
  EXPECT_TRUE(test::eventually(
      [&] { return worker_->status().reason == "waits for the first partition to empty the read model"; }));
  EXPECT_EQ(projection_row(), "1|1|0");
  std::unique_ptr<Worker> waits;
  waits.swap(worker_);
  partition_ = 0;
  assignment_.leads = true;
  start("rebuild/recorder");
  EXPECT_TRUE(rebuilt());
  EXPECT_TRUE(test::eventually([&] { return checkpoints() == "seen_p0|50 seen_p1|50"; }));
  EXPECT_TRUE(test::eventually([&] { return seen() == sequence(1, 50); }));
  EXPECT_EQ(projection_row(), "2|2|0");
  waits->request_stop();
}

TEST_F(WorkerResetTest, AGivenStartPositionIsWhereItBeginsAgain) {
  projection_.start_from = {config::StartFrom::Kind::Position, 20};
  make_first_version();
  projection_.rebuild = config::Rebuild::Automatic;
  start("rebuild/recorder");
  EXPECT_TRUE(rebuilt());
  EXPECT_TRUE(stores(25));
  EXPECT_EQ(seen(), sequence(21, 25));
}

TEST_F(WorkerResetTest, AWorkerOfTheOldEpochIsFenced) {
  make_first_version();
  start("recorder");
  ASSERT_TRUE(reaches(State::Live));
  std::unique_ptr<Worker> old;
  {
    const std::lock_guard lock(mutex_);
    old.swap(worker_);
  }
  projection_.rebuild = config::Rebuild::Automatic;
  start("rebuild/recorder");
  ASSERT_TRUE(rebuilt());
  EXPECT_TRUE(stores(25));
  log_.add_up_to(40);
  EXPECT_TRUE(stores(40));
  EXPECT_EQ(seen(), sequence(1, 40));
  EXPECT_EQ(makers(), "seen");
  EXPECT_TRUE(test::eventually([&] { return old->status().state == State::Refused; }));
}

} // namespace
} // namespace projector::projection
