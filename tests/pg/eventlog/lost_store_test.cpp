#include "store_test.hpp"

#include <atomic>
#include <new>

namespace projector::eventlog {
namespace {

using Positions = std::vector<std::int64_t>;

/// A server of these tests' own, since they kill it.
test::PrivatePostgres& mortal_server() {
  static test::PrivatePostgres server({{"max_prepared_transactions = 20", "restart_after_crash = on"}, false});
  return server;
}

class LostStore : public StoreTest {
protected:
  LostStore() : StoreTest(mortal_server()) {}

  void reconnect_admin() {
    ASSERT_TRUE(test::eventually([&] {
      try {
        admin_ = session();
        return true;
      } catch (const pg::Error&) {
        return false;
      }
    }));
  }

  /// Ends all sessions of the log and waits until it has a new one.
  void terminate_log(EventLog& log) {
    const auto before = log.incarnation();
    admin_->exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
                 "application_name LIKE 'projectord eventlog%'");
    ASSERT_TRUE(test::eventually([&] { return log.incarnation() > before; }));
  }

  Cursor::Status status_of(Follower& follower, std::int64_t after) {
    return follower.cursor().next(after, base::Clock::now() + std::chrono::seconds(60), base::no_stop()).status;
  }
};

TEST_F(LostStore, CursorsHearOfItUntilTheyStartAgain) {
  auto with = options();
  std::int64_t remembered = 0;
  with.stored_settled = [&](const StoreIdentity&) { return remembered; };
  const auto log = open(with);
  EXPECT_EQ(log->incarnation(), 1u);
  emit(*admin_, 3);
  Follower follower(*log);
  follower.read_to(3);
  EXPECT_TRUE(log->confirm(1, base::no_stop()));
  remembered = 2;
  terminate_log(*log);
  EXPECT_EQ(status_of(follower, 3), Cursor::Status::NewStore);
  EXPECT_EQ(status_of(follower, 3), Cursor::Status::NewStore);
  EXPECT_FALSE(log->confirm(1, base::no_stop()));
  EXPECT_TRUE(log->confirm(log->incarnation(), base::no_stop()));
  follower.cursor().restarted();
  emit(*admin_, 2);
  follower.read_to(5);
  EXPECT_EQ(follower.positions(), (Positions{1, 2, 3, 4, 5}));
  EXPECT_TRUE(reports_.any_holds("warning: the event store is lost, trying again: "));
  EXPECT_TRUE(reports_.any_holds("connected again to the event store, table public.events, settled up to 2"));
}

TEST_F(LostStore, WaitingCursorHearsOfItAtOnce) {
  const auto log = open();
  Follower follower(*log);
  const auto before = log->incarnation();
  admin_->exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'projectord eventlog tail' AND "
      "datname = current_database()");
  EXPECT_EQ(status_of(follower, 0), Cursor::Status::NewStore);
  EXPECT_EQ(log->incarnation(), before + 1);
}

TEST_F(LostStore, HistorySessionAloneIsReplacedUnnoticed) {
  emit(*admin_, 40000);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  Follower follower(*log);
  follower.read_to(5000);
  admin_->exec(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'projectord eventlog history' "
      "AND datname = current_database()");
  follower.read_to(40000);
  EXPECT_EQ(follower.positions(), stored());
  EXPECT_EQ(log->incarnation(), 1u);
}

TEST_F(LostStore, PreparedTransactionOutlivesTheServer) {
  const auto log = open();
  Follower follower(*log);
  const auto writer = session();
  writer->exec("BEGIN");
  emit(*writer);
  writer->exec("PREPARE TRANSACTION 'survivor'");
  emit(*admin_);
  await_gap(*log);
  for (const bool crash : {false, true}) {
    const auto before = log->incarnation();
    crash ? mortal_server().crash_restart() : mortal_server().restart();
    reconnect_admin();
    ASSERT_TRUE(test::eventually([&] { return log->incarnation() > before; }));
    emit(*admin_);
    await_gap(*log);
    EXPECT_EQ(log->settled(), 0);
    // The first words may still name the statement that made the gap visible.
    EXPECT_TRUE(test::eventually([&] {
      return log->snapshot().waiting.find("waits for prepared transaction 'survivor' of role ") != std::string::npos;
    })) << log->snapshot().waiting;
  }
  admin_->exec("COMMIT PREPARED 'survivor'");
  EXPECT_EQ(status_of(follower, 0), Cursor::Status::NewStore);
  follower.cursor().restarted();
  const auto all = stored();
  EXPECT_EQ(all.front(), 1);
  EXPECT_EQ(all.size(), 4u);
  follower.read_to(all.back());
  EXPECT_EQ(follower.positions(), all);
}

TEST_F(LostStore, StandbyAfterwardsHaltsTheLog) {
  const auto log = open();
  Follower follower(*log);
  mortal_server().stop_fast();
  EXPECT_FALSE(log->confirm(1, base::no_stop()));
  const auto signal = mortal_server().directory() / "data" / "standby.signal";
  ASSERT_EQ(std::system(("touch " + signal.string()).c_str()), 0);
  mortal_server().start();
  ASSERT_TRUE(test::eventually([&] { return log->snapshot().halted.find("hot standby") != std::string::npos; }));
  EXPECT_EQ(refusal().find("the event store is a hot standby"), 0u);
  mortal_server().stop_fast();
  std::filesystem::remove(signal);
  mortal_server().start();
  reconnect_admin();
  ASSERT_TRUE(test::eventually([&] { return log->snapshot().halted.empty(); }));
  EXPECT_EQ(status_of(follower, 0), Cursor::Status::NewStore);
  emit(*admin_);
  expect_all_delivered(*log);
}

/// Writers that do not wait for the disk, and a crash that takes their last events: everything that was reported as
/// durable is still there.
TEST_F(LostStore, DurableNeverCoversWhatACrashLoses) {
  test::PrivatePostgres server({{"wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"}, true});
  pg::ConnectOptions connect;
  connect.dsn = server.create_database();
  auto writer = std::make_unique<pg::Connection>(connect, base::no_stop());
  writer->script(store_schema("events", ""));
  const std::string insert =
      "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
      "event_type, payload) SELECT 'a', 'b', gen_random_uuid(), 1, gen_random_uuid(), 'c', 'd' FROM "
      "generate_series(1, 5)";
  auto with = options();
  with.connect = connect;
  const auto log = open(with);
  for (int round = 0; round < 2; ++round) {
    const auto incarnation = log->incarnation();
    writer->exec(insert);
    ASSERT_TRUE(log->settle(base::no_stop()));
    writer->exec("CHECKPOINT"); // flushes everything
    ASSERT_TRUE(test::eventually([&] { return log->durable_settled() == log->settled(); }));
    Follower durable(*log, {}, true);
    writer->exec("SET synchronous_commit = off");
    writer->exec(insert);
    ASSERT_TRUE(log->settle(base::no_stop()));
    ASSERT_TRUE(log->settle(base::no_stop())); // a look that could have found it flushed
    const auto before = durable.cursor().next(log->settled() - 1, base::Clock::now(), base::no_stop());
    const std::int64_t promised = log->durable_settled();
    if (before.status == Cursor::Status::Segment) {
      EXPECT_LE(before.segment->to(), promised);
    }
    const auto count =
        writer->exec("SELECT count(*) FROM events WHERE global_position <= " + std::to_string(promised)).int8(0, 0);
    server.crash_restart();
    writer = std::make_unique<pg::Connection>(connect, base::no_stop());
    EXPECT_EQ(
        writer->exec("SELECT count(*) FROM events WHERE global_position <= " + std::to_string(promised)).int8(0, 0),
        count);
    ASSERT_TRUE(test::eventually([&] { return log->incarnation() > incarnation && log->snapshot().connected; }));
  }
}

TEST_F(LostStore, NoThreadEndsWhereNotEvenAFailureCanBeReported) {
  std::atomic<int> failing = 0;
  auto with = options();
  with.notify_channel = "events";
  with.retry_backoff = with.retry_backoff_max = std::chrono::milliseconds(1);
  with.report = [&](bool warning, const std::string& /*text*/) {
    if (failing > 0) {
      --failing;
      if (warning) {
        throw std::bad_alloc();
      }
      throw "of another type"; // NOLINT: what is not even a std::exception
    }
  };
  const auto log = open(with);
  Follower follower(*log);
  for (int round = 1; round <= 5; ++round) {
    failing = 2 * round;
    admin_->exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'projectord "
                 "eventlog %' AND datname = current_database()");
    EXPECT_TRUE(test::eventually([&] { return failing == 0; }));
    const std::int64_t position = emit(*admin_);
    EXPECT_TRUE(test::eventually([&] {
      follower.cursor().restarted();
      return follower.cursor()
                 .next(position - 1, base::Clock::now() + std::chrono::milliseconds(100), base::no_stop())
                 .status == Cursor::Status::Segment;
    }));
  }
  expect_all_delivered(*log);
}

/// An open transaction's records are not flushed by themselves; what was committed before them is handed over all the
/// same.
TEST_F(LostStore, DurableCatchesUpOnAnIdleServer) {
  const auto log = open();
  Follower durable(*log, {}, true);
  const auto other = session();
  other->exec("CREATE TABLE IF NOT EXISTS beside (id int)");
  other->exec("BEGIN");
  admin_->exec("SET synchronous_commit = off");
  for (int round = 1; round <= 3; ++round) {
    emit(*admin_);
    other->exec("INSERT INTO beside VALUES (1)");
    durable.read_to(round);
  }
  EXPECT_EQ(durable.positions(), stored());
  other->exec("ROLLBACK");
}

} // namespace
} // namespace projector::eventlog
