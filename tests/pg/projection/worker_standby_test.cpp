#include "pg/projection/worker_fixture.hpp"
#include "projection/host_identity.hpp"

namespace projector::projection {
namespace {

/// Another host on the same partition; it only writes heartbeats.
class WorkerStandbyTest : public WorkerTest {
protected:
  WorkerStandbyTest() {
    log_.add_up_to(20);
    projection_.restart_interval = std::chrono::seconds(1);
  }
  void beat(const std::string& host, const std::string& state = "live") {
    run("INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin) VALUES ('seen', "
        "'" +
        host + "', 'seen', 0, 1, '" + state + "', 'recorder')");
  }
};

TEST_F(WorkerStandbyTest, DoesNotStealFromAHostThatRuns) {
  beat("there/2");
  start("recorder");
  ASSERT_TRUE(reaches(State::Standby));
  EXPECT_EQ(worker_->status().reason, "host there/2 runs it; this one takes over if that one stops");
  EXPECT_EQ(checkpoints(), "seen|0");
  run("UPDATE projector_workers SET heartbeat = now() - interval '1 hour' WHERE host = 'there/2'");
  EXPECT_TRUE(stores(20)) << "once it shows no life";
  EXPECT_EQ(seen(), sequence(1, 20));
}

TEST_F(WorkerStandbyTest, DoesNotWaitForAHostThatStandsByItself) {
  beat("there/2", "standby");
  start("recorder");
  EXPECT_TRUE(stores(20));
}

TEST_F(WorkerStandbyTest, DoesNotWaitForAProcessOfThisMachineThatIsGone) {
  auto gone = HostIdentity::of_this_process();
  services_.host = gone.text();
  gone.pid = 4194305; // no process has this id: it is above the largest that Linux gives out
  beat(gone.text());
  start("recorder");
  EXPECT_TRUE(stores(20));
}

TEST_F(WorkerStandbyTest, WaitsForAHostOfTheSameNameAndIdInAnotherContainer) {
  auto other = HostIdentity::of_this_process();
  services_.host = other.text();
  other.place = "elsewhere";
  beat(other.text());
  start("recorder");
  ASSERT_TRUE(reaches(State::Standby));
  other.pid = 4194305; // on this machine no process has this id
  run("UPDATE projector_workers SET host = '" + other.text() + "', heartbeat = now() WHERE host LIKE '%elsewhere%'");
  stop();
  start("recorder");
  EXPECT_TRUE(reaches(State::Standby));
  EXPECT_EQ(checkpoints(), "seen|0");
}

TEST_F(WorkerStandbyTest, WaitsWhileTheCheckpointMoves) {
  beat("there/2");
  start("recorder");
  ASSERT_TRUE(reaches(State::Standby));
  run("UPDATE projector_workers SET state = 'failed' WHERE host = 'there/2'");
  run("UPDATE projector_checkpoints SET position = 5; UPDATE projection_checkpoints SET last_global_position = 5");
  EXPECT_TRUE(stores(20));
  EXPECT_EQ(seen(), sequence(6, 20)) << "it goes on where the other had left it";
}

TEST_F(WorkerStandbyTest, SilenceTellsNothingWhileNoHeartbeatCanBeWritten) {
  beat("there/2");
  run("UPDATE projector_workers SET heartbeat = now() - interval '1 minute'");
  pg::Connection holder({.dsn = dsn_, .application_name = "psql", .settings = {}}, base::no_stop());
  holder.script("BEGIN; LOCK TABLE projector_workers IN SHARE MODE");
  ASSERT_TRUE(
      test::eventually([&] { return bookkeeper_->hearing(std::chrono::seconds(3)) == Bookkeeper::Hearing::Unheard; }));
  start("recorder");
  ASSERT_TRUE(test::eventually([&] { return worker_->status().reason.find("may still run it") != std::string::npos; }));
  EXPECT_EQ(checkpoints(), "seen|0");
  holder.script("COMMIT");
  EXPECT_TRUE(stores(20)) << "once this host's heartbeats are heard and the other's are not";
}

TEST_F(WorkerStandbyTest, AStandbyTakesNothingOverWhileNoHeartbeatCanBeWritten) {
  beat("there/2");
  start("recorder");
  ASSERT_TRUE(reaches(State::Standby));
  pg::Connection holder({.dsn = dsn_, .application_name = "psql", .settings = {}}, base::no_stop());
  holder.script("BEGIN; UPDATE projector_workers SET heartbeat = now() - interval '1 minute' WHERE host = 'there/2'; "
                "LOCK TABLE projector_workers IN SHARE ROW EXCLUSIVE MODE");
  ASSERT_TRUE(
      test::eventually([&] { return bookkeeper_->hearing(std::chrono::seconds(3)) == Bookkeeper::Hearing::Unheard; }));
  holder.script("COMMIT; BEGIN; LOCK TABLE projector_workers IN SHARE MODE");
  // This is long enough for a take-over, which happens after a second without movement.
  const auto locked = base::Clock::now();
  EXPECT_FALSE(test::eventually([&] {
                 return worker_->status().state != State::Standby ||
                        base::Clock::now() - locked > std::chrono::seconds(3);
               }) &&
               worker_->status().state != State::Standby);
  EXPECT_EQ(checkpoints(), "seen|0");
  holder.script("COMMIT");
  EXPECT_TRUE(stores(20));
}

TEST_F(WorkerStandbyTest, ALookThatALockKeepsWaitingIsToldAndHoldsNoSession) {
  beat("there/2");
  start("recorder");
  ASSERT_TRUE(reaches(State::Standby));
  pg::Connection holder({.dsn = dsn_, .application_name = "psql", .settings = {}}, base::no_stop());
  holder.script("BEGIN; LOCK TABLE projector_checkpoints IN ACCESS EXCLUSIVE MODE");
  EXPECT_TRUE(test::eventually([&] {
    return worker_->status().reason.find(fmt::format("pid {} (psql", holder.backend_pid())) != std::string::npos;
  })) << worker_->status().reason;
  EXPECT_TRUE(test::eventually([&] { return pool_.snapshot().in_use == 0; }));
  holder.script("ROLLBACK; UPDATE projector_workers SET heartbeat = now() - interval '1 hour' WHERE host = 'there/2'");
  EXPECT_TRUE(stores(20));
}

} // namespace
} // namespace projector::projection
