#include "pg/projection/projection_test.hpp"

#include <atomic>

namespace projector::projection {
namespace {

using Kind = BatchTransaction::Failure::Kind;

class BatchTransactionFenceTest : public TransactionTest {
protected:
  void expect_failure(Kind kind, const std::string& text) {
    EXPECT_FALSE(transaction_.commit());
    ASSERT_TRUE(transaction_.failure());
    EXPECT_EQ(transaction_.failure()->kind, kind);
    EXPECT_EQ(transaction_.failure()->text, text);
    EXPECT_EQ(transaction_.failure()->event_index, PROJECTOR_NO_EVENT);
    EXPECT_FALSE(transaction_.failure()->doubtful);
    EXPECT_EQ(exec(transaction_, "SELECT 1").status, PROJECTOR_RETRY) << "the plugin is told to come again";
    transaction_.rollback();
    EXPECT_EQ(pool_.snapshot().in_use, 0u);
  }
  pg::Connection other_{options(), base::no_stop()};
};

TEST_F(BatchTransactionFenceTest, ACheckpointThatMovedOutranksTheErrorsThatItLeadsTo) {
  // Another host did this meanwhile.
  run("UPDATE projector_checkpoints SET position = 30; UPDATE projection_checkpoints SET last_global_position = 30; "
      "INSERT INTO seen VALUES (10)");
  transaction_.begin(move(0, 30));
  exec(transaction_, "INSERT INTO seen VALUES (10)", {}, 0);
  expect_failure(Kind::Moved, "checkpoint revenue is not at 0 any more");
  EXPECT_EQ(seen(), "10");
}

TEST_F(BatchTransactionFenceTest, AMissingCheckpointIsMoved) {
  run("DELETE FROM projector_checkpoints");
  transaction_.begin(move(0, 30));
  expect_failure(Kind::Moved, "checkpoint revenue is not at 0 any more");
}

TEST_F(BatchTransactionFenceTest, TwoHostsNeverCommitTheSameBatch) {
  pg::Pool second_pool({.connect = options(), .size = 1, .most = 1});
  BatchTransaction second(second_pool, tables_, transaction_options(), stop_);
  transaction_.begin(move(0, 30));
  exec(transaction_, "INSERT INTO seen VALUES (10)");
  EXPECT_EQ(query(transaction_, "SELECT 1"), "1");
  second.begin(move(0, 30));
  exec(second, "INSERT INTO seen VALUES (10)");
  auto committed = std::async(std::launch::async, [&] { return second.commit(); });
  wait_for_lock_wait();
  EXPECT_TRUE(transaction_.commit());
  EXPECT_FALSE(committed.get());
  EXPECT_EQ(second.failure()->kind, Kind::Moved);
  second.rollback();
  EXPECT_EQ(seen(), "10");
  EXPECT_EQ(checkpoints(), "revenue|30");
}

TEST_F(BatchTransactionFenceTest, ARaisedEpochIsNoticed) {
  run("UPDATE projector_projections SET epoch = epoch + 1");
  transaction_.begin(move(0, 30));
  exec(transaction_, "INSERT INTO seen VALUES (10)");
  expect_failure(Kind::Fenced, "checkpoint revenue was repartitioned, reset or moved by an operator");
  EXPECT_EQ(seen(), "");
}

TEST_F(BatchTransactionFenceTest, AnEpochRaisedWhileTheRowIsLockedIsNoticed) {
  other_.script("BEGIN; SELECT FROM projector_checkpoints FOR UPDATE; UPDATE projector_projections SET epoch = epoch + "
                "1");
  transaction_.begin(move(0, 30));
  exec(transaction_, "INSERT INTO seen VALUES (10)");
  auto committed = std::async(std::launch::async, [&] { return transaction_.commit(); });
  wait_for_lock_wait();
  other_.script("COMMIT");
  EXPECT_FALSE(committed.get());
  EXPECT_EQ(transaction_.failure()->kind, Kind::Fenced);
  transaction_.rollback();
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(checkpoints(), "revenue|0");
}

TEST_F(BatchTransactionFenceTest, AnotherPartitionCountIsNoticed) {
  run("UPDATE projector_projections SET partitions = 2");
  transaction_.begin(move(0, 30));
  expect_failure(Kind::Fenced, "checkpoint revenue was repartitioned, reset or moved by an operator");
}

TEST_F(BatchTransactionFenceTest, ADeletedProjectionIsNoticed) {
  run("DELETE FROM projector_projections");
  transaction_.begin(move(0, 30));
  expect_failure(Kind::Fenced, "checkpoint revenue was repartitioned, reset or moved by an operator");
}

TEST_F(BatchTransactionFenceTest, AMirrorThatSomebodyElseMovedIsNoticed) {
  run("UPDATE projection_checkpoints SET last_global_position = 5");
  transaction_.begin(move(0, 30));
  exec(transaction_, "INSERT INTO seen VALUES (10)");
  expect_failure(Kind::Moved, "the row revenue of public.projection_checkpoints was moved by another program");
  EXPECT_EQ(mirror(), "revenue|5");
  EXPECT_EQ(checkpoints(), "revenue|0");
}

TEST_F(BatchTransactionFenceTest, EventsOfALostStoreAreNotCommitted) {
  int asked = 0;
  auto wanted = move(0, 30);
  wanted.events_read_at = base::Clock::now() - std::chrono::hours(1);
  wanted.confirm = [&] {
    ++asked;
    return false;
  };
  transaction_.begin(wanted);
  exec(transaction_, "INSERT INTO seen VALUES (10)");
  EXPECT_EQ(asked, 0) << "no session yet, no question";
  expect_failure(Kind::StoreLost, "the event store was lost after these events were read");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(seen(), "");
}

TEST_F(BatchTransactionFenceTest, ASessionYoungerThanTheEventsAsksOnceAnOlderOneNever) {
  int asked = 0;
  auto wanted = move(0, 30);
  wanted.events_read_at = base::Clock::now() - std::chrono::hours(1);
  wanted.confirm = [&] {
    ++asked;
    return true;
  };
  transaction_.begin(wanted);
  EXPECT_EQ(query(transaction_, "SELECT 1"), "1");
  EXPECT_EQ(query(transaction_, "SELECT 2"), "2");
  EXPECT_TRUE(transaction_.commit());
  EXPECT_EQ(asked, 1);
  wanted = move(30, 40);
  wanted.events_read_at = base::Clock::now();
  wanted.confirm = [&] {
    ++asked;
    return false;
  };
  transaction_.begin(wanted);
  EXPECT_TRUE(transaction_.commit()) << "this session would have died with the server";
  EXPECT_EQ(asked, 1);
}

/// A transaction whose COMMIT waits for an advisory lock that the observer holds.
class DoubtfulCommitTest : public TransactionTest {
protected:
  void SetUp() override {
    TransactionTest::SetUp();
    run("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$; "
        "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON seen DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE "
        "FUNCTION wait(); SELECT pg_advisory_lock(4711)");
  }
  /// Begins a commit and waits until the server runs it.
  std::future<bool> commit() {
    transaction_.begin(move(0, 30));
    exec(transaction_, "INSERT INTO seen VALUES (10)");
    auto committed = std::async(std::launch::async, [this] { return transaction_.commit(); });
    wait_for_lock_wait();
    return committed;
  }
  std::string waiting_pid() {
    return look("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()");
  }
};

TEST_F(DoubtfulCommitTest, ASessionKilledAtItsCommitLeavesADoubt) {
  auto committed = commit();
  look("SELECT pg_terminate_backend(" + waiting_pid() + ")");
  EXPECT_FALSE(committed.get());
  ASSERT_TRUE(transaction_.failure());
  EXPECT_EQ(transaction_.failure()->kind, Kind::Connection);
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::RetryForever);
  EXPECT_TRUE(transaction_.failure()->doubtful);
  transaction_.rollback();
  EXPECT_EQ(pool_.snapshot().open, 0u) << "the broken session is not kept";
  EXPECT_EQ(read_checkpoint_at_rest(observer_, tables_, key_)->position, 0);
  EXPECT_EQ(seen(), "");
}

TEST_F(DoubtfulCommitTest, AStopAtTheCommitLeavesADoubtThatReadingAtRestResolves) {
  auto options = transaction_options();
  options.stop_grace = base::Duration::zero();
  BatchTransaction transaction(pool_, tables_, options, stop_);
  transaction.begin(move(0, 30));
  exec(transaction, "INSERT INTO seen VALUES (10)");
  auto committed = std::async(std::launch::async, [&] { return transaction.commit(); });
  wait_for_lock_wait();
  stop_.request();
  EXPECT_FALSE(committed.get());
  EXPECT_EQ(transaction.failure()->kind, Kind::Connection);
  EXPECT_TRUE(transaction.failure()->doubtful);
  transaction.rollback();
  run("SELECT pg_advisory_unlock(4711)");
  const auto position = read_checkpoint_at_rest(observer_, tables_, key_)->position;
  EXPECT_EQ(seen(), position == 30 ? "10" : "") << "both or none";
}

TEST_F(DoubtfulCommitTest, ASessionKilledBeforeItsCommitLeavesNone) {
  run("SELECT pg_advisory_unlock(4711)");
  transaction_.begin(move(0, 30));
  exec(transaction_, "INSERT INTO seen VALUES (10)");
  const auto pid = query(transaction_, "SELECT pg_backend_pid()");
  look("SELECT pg_terminate_backend(" + pid + ")");
  ASSERT_TRUE(
      test::eventually([&] { return look("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid) == "0"; }));
  exec(transaction_, "INSERT INTO seen VALUES (11)");
  EXPECT_FALSE(transaction_.commit());
  EXPECT_EQ(transaction_.failure()->kind, Kind::Connection);
  EXPECT_FALSE(transaction_.failure()->doubtful);
  transaction_.rollback();
  EXPECT_EQ(seen(), "");
}

} // namespace
} // namespace projector::projection
