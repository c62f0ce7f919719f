#include "pg/projection/worker_fixture.hpp"

namespace projector::projection {
namespace {

TEST_F(WorkerTest, AServersErrorOfTheMomentIsTriedForever) {
  log_.add_up_to(5);
  projection_.max_retries = 0;
  run("CREATE SEQUENCE tries; CREATE FUNCTION shaky() RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('tries') < 20 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END IF; END $$");
  start("statement", {{"exec", "SELECT shaky()"}});
  EXPECT_TRUE(stores(5));
  EXPECT_GE(std::stoi(look("SELECT last_value FROM tries")), 20);
}

TEST_F(WorkerTest, ASecondHostStandsByAndTakesOverWhenTheFirstIsGone) {
  log_.add_up_to(5);
  start("recorder");
  EXPECT_TRUE(stores(5));
  // Another host handles the next events.
  run("INSERT INTO seen_seen SELECT 'seen', 0, g FROM generate_series(6, 8) g; "
      "UPDATE projector_checkpoints SET position = 8; UPDATE projection_checkpoints SET last_global_position = 8; "
      "INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin) VALUES "
      "('seen', 'there/2', 'seen', 0, 1, 'live', 'recorder')");
  log_.add_up_to(9);
  EXPECT_TRUE(reaches(State::Standby));
  EXPECT_EQ(seen(), sequence(1, 8));
  run("DELETE FROM projector_workers WHERE host = 'there/2'");
  EXPECT_TRUE(stores(9));
  EXPECT_EQ(seen(), sequence(1, 9));
}

TEST_F(WorkerTest, ARaisedEpochMakesItBeginFromTheNewPosition) {
  log_.add_up_to(5);
  start("recorder");
  EXPECT_TRUE(stores(5));
  run("BEGIN; UPDATE projector_projections SET epoch = epoch + 1; UPDATE projector_checkpoints SET position = 2; "
      "UPDATE projection_checkpoints SET last_global_position = 2; DELETE FROM seen_seen; COMMIT");
  log_.add_up_to(6);
  EXPECT_TRUE(stores(6));
  EXPECT_EQ(seen(), sequence(3, 6));
}

TEST_F(WorkerTest, AMirrorThatSomebodyMovesIsRefused) {
  log_.add_up_to(5);
  start("recorder");
  EXPECT_TRUE(stores(5));
  run("UPDATE projection_checkpoints SET last_global_position = 3");
  log_.add_up_to(6);
  EXPECT_TRUE(reaches(State::Refused));
  EXPECT_EQ(seen(), sequence(1, 5));
  EXPECT_EQ(worker_->status().reason.find("checkpoint seen was moved by another program: "), 0u);
}

TEST_F(WorkerTest, AMirrorThatSomebodyMovesIsRefusedWithoutStatementsToo) {
  log_.add_up_to(5);
  start("noop");
  EXPECT_TRUE(stores(5));
  run("UPDATE projection_checkpoints SET last_global_position = 3");
  log_.add_up_to(6);
  EXPECT_TRUE(reaches(State::Refused));
  EXPECT_EQ(mirror(), "seen|3");
}

TEST_F(WorkerTest, ACheckpointThatAnotherHostMovedPastThisOnesLastLookIsAwaited) {
  log_.add_up_to(5);
  start("recorder");
  EXPECT_TRUE(stores(5));
  stop();
  log_.set_last_position(4); // the last position that this host's log saw
  start("recorder");
  log_.set_last_position(5);
  log_.add_up_to(7);
  EXPECT_TRUE(stores(7)) << worker_->status().reason;
  EXPECT_EQ(seen(), sequence(1, 7));
}

TEST_F(WorkerTest, ALostStoreConnectionGoesOnWithTheSameEvents) {
  log_.add_up_to(5);
  start("recorder");
  EXPECT_TRUE(stores(5));
  log_.reconnect();
  EXPECT_TRUE(test::eventually([&] { return log_.restarts > 0; }));
  log_.add_up_to(9);
  EXPECT_TRUE(stores(9));
  EXPECT_EQ(seen(), sequence(1, 9));
}

TEST_F(WorkerTest, AServerThatLostCommitsIsFollowedBack) {
  log_.add_up_to(5);
  start("recorder");
  EXPECT_TRUE(stores(5));
  // A crash with synchronous_commit = off leaves such a row.
  run("BEGIN; UPDATE projector_checkpoints SET position = 3; UPDATE projection_checkpoints SET last_global_position = "
      "3; "
      "DELETE FROM seen_seen WHERE global_position > 3; COMMIT");
  log_.reconnect();
  EXPECT_TRUE(stores(5));
  EXPECT_EQ(seen(), sequence(1, 5));
}

TEST_F(WorkerTest, KilledSessionsCostNothing) {
  log_.add_up_to(3);
  start("recorder");
  EXPECT_TRUE(stores(3));
  for (int to = 4; to <= 20; ++to) {
    run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
        "pg_backend_pid()");
    log_.add_up_to(to);
    ASSERT_TRUE(stores(to));
  }
  EXPECT_EQ(seen(), sequence(1, 20));
}

TEST_F(WorkerTest, ACommitWhoseAnswerWasLostIsNotRepeated) {
  log_.add_up_to(3);
  start("recorder");
  EXPECT_TRUE(stores(3));
  run("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$; "
      "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON seen_seen DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE "
      "FUNCTION wait(); SELECT pg_advisory_lock(4711)");
  log_.add_up_to(4);
  wait_for_lock_wait();
  run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
      "'Lock'");
  run("SELECT pg_advisory_unlock(4711)");
  EXPECT_TRUE(stores(4));
  EXPECT_EQ(seen(), sequence(1, 4));
}

TEST_F(WorkerTest, AHaltedLogIsShownAndGoesOn) {
  log_.add_up_to(3);
  start("recorder");
  EXPECT_TRUE(stores(3));
  for (int count = 0; count < 5; ++count) {
    log_.answer_next({eventlog::Cursor::Status::Halted, nullptr, "a row above the sequence"});
  }
  EXPECT_TRUE(reaches(State::Retrying));
  EXPECT_EQ(worker_->status().reason, "a row above the sequence");
  EXPECT_TRUE(reaches(State::Live));
}

TEST_F(WorkerTest, AStatementThatALockKeepsWaitingTellsWhoHoldsIt) {
  run("CREATE TABLE held ()");
  pg::Connection holder({.dsn = dsn_, .application_name = "psql", .settings = {}}, base::no_stop());
  holder.script("BEGIN; LOCK TABLE held");
  log_.add_up_to(1);
  start("statement",
        {{"exec", "DO $$ BEGIN PERFORM set_config('lock_timeout', '20ms', true); PERFORM FROM held; END $$"}});
  EXPECT_TRUE(test::eventually([&] {
    return worker_->status().reason.find(fmt::format("pid {} (psql, idle in transaction for", holder.backend_pid())) !=
           std::string::npos;
  })) << worker_->status().reason;
  EXPECT_NE(worker_->status().reason.find("holds AccessExclusiveLock on held"), std::string::npos);
  holder.script("ROLLBACK");
  EXPECT_TRUE(stores(1));
}

TEST_F(WorkerTest, AnIdleOneLearnsOfARaisedEpochWithoutAnEvent) {
  log_.add_up_to(5);
  start("recorder");
  ASSERT_TRUE(stores(5));
  ASSERT_TRUE(reaches(State::Live));
  run("BEGIN; TRUNCATE seen_seen; UPDATE projector_projections SET epoch = epoch + 1; "
      "UPDATE projector_checkpoints SET position = 2; UPDATE projection_checkpoints SET last_global_position = 2; "
      "COMMIT");
  EXPECT_TRUE(test::eventually([&] { return seen() == "3 4 5"; })) << seen();
  EXPECT_TRUE(stores(5));
}

TEST_F(WorkerTest, AnIdleOneLearnsOfAnotherPartitionCountWithoutAnEvent) {
  log_.add_up_to(5);
  start("noop");
  ASSERT_TRUE(stores(5));
  run("UPDATE projector_projections SET epoch = epoch + 1, partitions = 2");
  ASSERT_TRUE(reaches(State::Refused));
  EXPECT_NE(worker_->status().reason.find("written with 2 partitions"), std::string::npos) << worker_->status().reason;
}

} // namespace
} // namespace projector::projection
