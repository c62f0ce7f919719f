#include "store_test.hpp"

#include "pg/quote.hpp"

namespace projector::eventlog {
namespace {

using Positions = std::vector<std::int64_t>;

/// Each test plays one interleaving of sessions by hand: a gap opens, and the log must neither pass it nor lose what
/// fills it.
class Interleavings : public StoreTest {
protected:
  void SetUp() override {
    first_ = session();
    second_ = session();
  }

  /// The log has seen something above a gap and stays below it.
  void expect_held_at(std::int64_t settled) {
    await_gap(*log_);
    EXPECT_EQ(log_->settled(), settled);
  }

  std::unique_ptr<pg::Connection> first_, second_;
  std::unique_ptr<EventLog> log_ = open();
};

TEST_F(Interleavings, ContiguousEventsNeedNoWait) {
  emit(*first_, 3);
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{1, 2, 3}));
}

TEST_F(Interleavings, CommitsOutOfOrder) {
  first_->exec("BEGIN");
  emit(*first_);
  emit(*second_);
  expect_held_at(0);
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{1, 2}));
}

TEST_F(Interleavings, RolledBackInsertLeavesAGapForEver) {
  first_->exec("BEGIN");
  emit(*first_, 5);
  emit(*second_);
  expect_held_at(0);
  first_->exec("ROLLBACK");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{6}));
}

TEST_F(Interleavings, PositionDrawnAheadOfTheInsert) {
  first_->exec("BEGIN");
  EXPECT_EQ(first_->exec("SELECT nextval('events_global_position_seq')").int8(0, 0), 1);
  emit(*second_);
  expect_held_at(0);
  first_->exec("INSERT INTO events (global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, "
               "event_id, event_type, payload) VALUES (1, 'shop', 'order', 'a', 1, gen_random_uuid(), 'created', '')");
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{1, 2}));
}

TEST_F(Interleavings, SavepointRolledBackThenInsertedAgain) {
  first_->exec("BEGIN");
  first_->exec("SAVEPOINT s");
  emit(*first_);
  first_->exec("ROLLBACK TO s");
  emit(*second_);
  expect_held_at(0);
  emit(*first_);
  emit(*second_);
  EXPECT_EQ(log_->settled(), 0);
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{2, 3, 4}));
}

TEST_F(Interleavings, PreparedTransactionCommitted) {
  first_->exec("BEGIN");
  emit(*first_);
  first_->exec("PREPARE TRANSACTION 'it''s " + dsn_.substr(dsn_.find("dbname=")) + "'");
  emit(*second_);
  expect_held_at(0);
  // The first words may still name the transaction that made the gap visible.
  EXPECT_TRUE(test::eventually([&] {
    return log_->snapshot().waiting.starts_with("gap 1..1 waits for prepared transaction 'it''s ");
  })) << log_->snapshot().waiting;
  emit(*first_); // the same session goes on with another transaction
  first_->exec("COMMIT PREPARED 'it''s " + dsn_.substr(dsn_.find("dbname=")) + "'");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{1, 2, 3}));
}

TEST_F(Interleavings, PreparedTransactionRolledBack) {
  const std::string gid = "'p " + dsn_.substr(dsn_.find("dbname=")) + "'";
  first_->exec("BEGIN");
  emit(*first_);
  first_->exec("PREPARE TRANSACTION " + gid);
  emit(*second_);
  expect_held_at(0);
  first_->exec("ROLLBACK PREPARED " + gid);
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{2}));
}

TEST_F(Interleavings, FunctionThatCatchesItsFailure) {
  first_->script("CREATE FUNCTION try_emit() RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
                 "BEGIN PERFORM emit(1); RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN NULL; END; "
                 "PERFORM emit(1); END $$");
  first_->exec("BEGIN");
  first_->exec("SELECT try_emit()");
  emit(*second_);
  expect_held_at(0);
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{2, 3}));
}

TEST_F(Interleavings, TriggerOnAnotherTable) {
  first_->script(
      "CREATE TABLE orders (id int); "
      "CREATE FUNCTION order_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM emit(1); RETURN NEW; "
      "END $$; CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION order_event()");
  first_->exec("BEGIN");
  first_->exec("INSERT INTO orders SELECT generate_series(1, 3)");
  emit(*second_);
  expect_held_at(0);
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{1, 2, 3, 4}));
}

TEST_F(Interleavings, CopyFromAFile) {
  const auto file = server_.directory() / ("copy-" + dsn_.substr(dsn_.find("dbname=") + 7, 20));
  first_->exec("COPY (SELECT 'shop', 'order', 'c' || n, 1, gen_random_uuid(), 'created', ''::bytea FROM "
               "generate_series(1, 50) n) TO " +
               pg::quote_literal(file.string()));
  first_->exec("BEGIN");
  first_->exec("COPY events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
               "payload) FROM " +
               pg::quote_literal(file.string()));
  emit(*second_);
  expect_held_at(0);
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored().size(), 51u);
}

TEST_F(Interleavings, ConflictThatDoesNothingStillDraws) {
  const std::string sql =
      "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
      "event_type, payload) VALUES ('shop', 'order', 'one', 1, gen_random_uuid(), 'created', '') "
      "ON CONFLICT DO NOTHING";
  first_->exec(sql);
  first_->exec("BEGIN");
  first_->exec(sql); // draws 2 and inserts nothing
  emit(*second_);
  expect_held_at(1);
  first_->exec("COMMIT");
  emit(*second_);
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{1, 3, 4}));
}

TEST_F(Interleavings, LongUpdateAndReadBesideDoNotBlock) {
  emit(*first_, 2);
  first_->exec("BEGIN");
  first_->exec("UPDATE events SET metadata = '{}'");
  first_->exec("SELECT last_value FROM events_global_position_seq");
  second_->exec("BEGIN");
  emit(*second_);
  second_->exec("ROLLBACK");
  emit(*second_);
  expect_all_delivered(*log_);
  EXPECT_EQ(log_->settled(), 4);
  first_->exec("COMMIT");
}

TEST_F(Interleavings, FilledGapDoesNotWaitForAnUnrelatedHolder) {
  const auto third = session();
  first_->exec("BEGIN");
  emit(*first_); // 1
  third->exec("BEGIN");
  emit(*third);   // 2: holds on for long
  emit(*second_); // 3
  expect_held_at(0);
  first_->exec("COMMIT");
  ASSERT_TRUE(test::eventually([&] { return log_->settled() == 1; }));
  Follower follower(*log_);
  follower.read_to(1);
  EXPECT_EQ(follower.positions(), (Positions{1}));
  third->exec("ROLLBACK");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored(), (Positions{1, 3}));
}

TEST_F(Interleavings, WaitIsForThoseWhoHeldTheLockThenOnly) {
  first_->exec("BEGIN");
  emit(*first_);  // 1
  emit(*second_); // 2
  expect_held_at(0);
  const auto third = session();
  third->exec("BEGIN");
  emit(*third); // 3, and holds the lock from now on
  first_->exec("ROLLBACK");
  ASSERT_TRUE(test::eventually([&] { return log_->settled() == 2; }));
  Follower follower(*log_);
  follower.read_to(2);
  EXPECT_EQ(follower.positions(), (Positions{2}));
  third->exec("COMMIT");
  expect_all_delivered(*log_);
}

TEST_F(Interleavings, ManyGapsOfManyTransactions) {
  std::vector<std::unique_ptr<pg::Connection>> sessions;
  for (int round = 0; round < 8; ++round) {
    sessions.push_back(session());
    sessions.back()->exec("BEGIN");
    emit(*sessions.back(), 1 + round % 3);
    emit(*second_);
  }
  expect_held_at(0);
  for (std::size_t index = sessions.size(); index-- > 0;) {
    sessions[index]->exec(index % 3 == 1 ? "ROLLBACK" : "COMMIT");
  }
  expect_all_delivered(*log_);
}

TEST_F(Interleavings, GapFilledByAVeryLargeTransaction) {
  first_->exec("BEGIN");
  emit(*first_, 50000);
  emit(*second_);
  expect_held_at(0);
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
  EXPECT_EQ(stored().size(), 50001u);
}

TEST_F(Interleavings, WaitingNamesWhomAndWhatItDoes) {
  first_->exec("SET application_name = 'importer'");
  first_->exec("BEGIN");
  emit(*first_);
  emit(*second_);
  await_gap(*log_);
  const std::string waiting = log_->snapshot().waiting;
  EXPECT_EQ(waiting.find("gap 1..1 waits for pid " + std::to_string(first_->backend_pid()) +
                         " (importer, idle in transaction for "),
            0u)
      << waiting;
  EXPECT_NE(waiting.find("SELECT emit(1)"), std::string::npos) << waiting;
  EXPECT_TRUE(reports_.any_holds("warning: gap 1..1 waits for pid"));
  first_->exec("ROLLBACK");
  ASSERT_TRUE(log_->settle(base::no_stop()));
  EXPECT_EQ(log_->snapshot().waiting, "");
  EXPECT_TRUE(reports_.any_holds("the wait for the gap is over"));
}

TEST_F(Interleavings, WaitingWithoutThePrivilegeSaysWhichGrant) {
  const std::string role = "reader_" + std::to_string(admin_->backend_pid());
  admin_->script("CREATE ROLE " + role + " LOGIN; " + store_schema("events", role));
  auto with = options();
  with.connect = connect_options(role);
  log_ = open(with);
  first_->exec("BEGIN");
  emit(*first_);
  emit(*second_);
  await_gap(*log_);
  EXPECT_EQ(log_->snapshot().waiting, "gap 1..1 waits for pid " + std::to_string(first_->backend_pid()) +
                                          " (to see what it does: GRANT pg_read_all_stats TO " +
                                          pg::quote_identifier(role) + ")");
  first_->exec("COMMIT");
  expect_all_delivered(*log_);
}

} // namespace
} // namespace projector::eventlog
