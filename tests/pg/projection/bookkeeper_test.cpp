#include "projection/bookkeeper.hpp"

#include "pg/projection/projection_test.hpp"
#include "unit/projection/fake_event_log.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace projector::projection {
namespace {

using Answer = Handover::Answer;

class BookkeeperTest : public ProjectionTest {
protected:
  void SetUp() override {
    ASSERT_TRUE(open(request({"a", 0, 1})).checkpoint);
    ASSERT_TRUE(open(request({"b", 0, 1})).checkpoint);
  }
  void TearDown() override { bookkeeper_.reset(); }
  void start(base::Duration heartbeat = std::chrono::hours(1), bool same_server = true) {
    Bookkeeper::Options wanted;
    wanted.connect = options();
    wanted.connect.application_name = "bookkeeper";
    wanted.host = "here/1";
    wanted.heartbeat = heartbeat;
    wanted.same_server = same_server;
    wanted.report = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(text);
    };
    bookkeeper_.emplace(wanted, tables_, log_);
  }
  std::shared_ptr<Handover> submit(const std::string& base, std::int64_t stored, std::int64_t position,
                                   std::uint64_t incarnation = 1) {
    return bookkeeper_->submit({{base, 0, 1}, stored, position, 1}, incarnation, base::Clock::now());
  }
  static Answer wait(const std::shared_ptr<Handover>& handover) {
    return handover->wait(base::no_stop(), std::chrono::seconds(30));
  }
  static WorkerStatus status(const std::string& checkpoint, State state = State::Live) {
    WorkerStatus status;
    status.projection = status.checkpoint = status.plugin = checkpoint;
    status.state = state;
    return status;
  }
  std::vector<std::string> reports() {
    const std::lock_guard lock(mutex_);
    return reports_;
  }
  std::string workers() { return table("SELECT name, host, state FROM projector_workers ORDER BY name, host"); }

  test::FakeEventLog log_;
  std::mutex mutex_; ///< guards reports_
  std::vector<std::string> reports_;
  std::optional<Bookkeeper> bookkeeper_;
};

TEST_F(BookkeeperTest, WritesWhatIsHandedOver) {
  start();
  EXPECT_EQ(wait(submit("a", 0, 10)), Answer::Written);
  EXPECT_EQ(checkpoints(), "a|10 b|0");
  EXPECT_EQ(mirror(), "a|10 b|0");
  EXPECT_EQ(wait(submit("a", 10, 20)), Answer::Written);
  EXPECT_EQ(checkpoints(), "a|20 b|0");
}

TEST_F(BookkeeperTest, TellsThatACheckpointWasMoved) {
  start();
  EXPECT_EQ(wait(submit("a", 5, 10)), Answer::Moved);
  EXPECT_EQ(checkpoints(), "a|0 b|0");
}

TEST_F(BookkeeperTest, AnswersManyAtOnce) {
  constexpr std::uint32_t kMany = 200;
  ASSERT_TRUE(open(request({"p", 0, kMany})).checkpoint);
  start();
  std::vector<std::thread> threads;
  std::atomic<int> written = 0;
  for (std::uint32_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t partition = thread; partition < kMany; partition += 4) {
        const auto handover =
            bookkeeper_->submit({{"p", partition, kMany}, 0, partition + 1, 1}, 1, base::Clock::now());
        written += wait(handover) == Answer::Written ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(written, static_cast<int>(kMany));
  EXPECT_EQ(look("SELECT sum(position) FROM projector_checkpoints WHERE checkpoint = 'p'"), "20100");
}

TEST_F(BookkeeperTest, ABusyRowWaitsAndTheOthersDoNot) {
  start();
  pg::Connection holder(options(), base::no_stop());
  holder.script("BEGIN; SELECT FROM projector_checkpoints WHERE name = 'a' FOR UPDATE");
  const auto busy = submit("a", 0, 10);
  EXPECT_EQ(wait(submit("b", 0, 10)), Answer::Written);
  EXPECT_EQ(wait(submit("b", 10, 20)), Answer::Written);
  EXPECT_EQ(busy->answer(), Answer::Pending);
  holder.script("COMMIT");
  EXPECT_EQ(wait(busy), Answer::Written);
}

TEST_F(BookkeeperTest, EventsOfALostStoreAreNotStored) {
  start();
  log_.reconnect();
  EXPECT_EQ(wait(submit("a", 0, 10, 1)), Answer::StoreLost);
  EXPECT_EQ(checkpoints(), "a|0 b|0");
  EXPECT_EQ(wait(submit("a", 0, 10, 2)), Answer::Written);
}

TEST_F(BookkeeperTest, ASessionYoungerThanTheEventsAsksTheLog) {
  const auto before = base::Clock::now();
  start();
  EXPECT_EQ(wait(bookkeeper_->submit({{"a", 0, 1}, 0, 10, 1}, 1, before)), Answer::Written);
  EXPECT_EQ(log_.confirmations, 1);
  EXPECT_EQ(wait(submit("a", 10, 20)), Answer::Written);
  EXPECT_EQ(log_.confirmations, 1) << "this session would have died with the server";
  log_.confirms = false;
  EXPECT_EQ(wait(bookkeeper_->submit({{"a", 0, 1}, 20, 30, 1}, 1, before)), Answer::StoreLost);
}

TEST_F(BookkeeperTest, AReadModelElsewhereNeedsNoConfirmation) {
  const auto before = base::Clock::now();
  start(std::chrono::hours(1), false);
  log_.confirms = false;
  EXPECT_EQ(wait(bookkeeper_->submit({{"a", 0, 1}, 0, 10, 1}, 1, before)), Answer::Written);
}

TEST_F(BookkeeperTest, ALostSessionIsMadeAgainAndTheAnswerComes) {
  start();
  EXPECT_EQ(wait(submit("a", 0, 10)), Answer::Written);
  look("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bookkeeper' AND datname = "
       "current_database()");
  EXPECT_EQ(wait(submit("a", 10, 20)), Answer::Written);
  EXPECT_EQ(checkpoints(), "a|20 b|0");
}

TEST_F(BookkeeperTest, WhatTheServerRefusesIsReportedOnceAndAnsweredWhenItIsCured) {
  start();
  run("ALTER TABLE projection_checkpoints RENAME TO away");
  const auto handover = submit("a", 0, 10);
  EXPECT_TRUE(test::eventually([&] { return !reports().empty(); }));
  EXPECT_EQ(handover->answer(), Answer::Pending);
  run("ALTER TABLE away RENAME TO projection_checkpoints");
  EXPECT_EQ(wait(handover), Answer::Written);
  ASSERT_EQ(reports().size(), 1u);
  EXPECT_EQ(reports()[0], "states and checkpoints wait, the read model's server says: relation "
                          "\"public.projection_checkpoints\" does not exist");
}

TEST_F(BookkeeperTest, ARowThatCannotBeWrittenKeepsNoHeartbeatBack) {
  run("ALTER TABLE projection_checkpoints ADD CHECK (last_global_position < 100)");
  start(std::chrono::milliseconds(10));
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>{status("a")}; });
  const auto handover = submit("a", 0, 100);
  EXPECT_TRUE(test::eventually([&] { return !reports().empty(); }));
  const auto before = look("SELECT clock_timestamp()");
  EXPECT_TRUE(test::eventually(
      [&] { return look("SELECT count(*) FROM projector_workers WHERE heartbeat > '" + before + "'") == "1"; }));
  EXPECT_EQ(handover->answer(), Answer::Pending);
}

TEST_F(BookkeeperTest, StatesArePublishedSoonAfterAPokeAndWithEachHeartbeat) {
  start();
  std::atomic<State> state = State::Starting;
  bookkeeper_->publish_from([&] {
    WorkerStatus full = status("a", state);
    full.partition = 2;
    full.partitions = 4;
    full.reason = "reason";
    full.plugin = "sums";
    full.plugin_version = "1.2";
    full.generation = 3;
    full.thread = 4711;
    full.position = 50;
    full.handled = 7;
    return std::vector<WorkerStatus>{full};
  });
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|starting"; }));
  EXPECT_EQ(table("SELECT projection, partition, partitions, reason, plugin, plugin_version, generation, thread, "
                  "position, handled FROM projector_workers"),
            "a|2|4|reason|sums|1.2|3|4711|50|7");
  state = State::Failed;
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|failed"; }));
}

TEST_F(BookkeeperTest, HeartbeatsGoOnByThemselves) {
  start(std::chrono::milliseconds(5));
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>{status("a")}; });
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|live"; }));
  const auto before = look("SELECT clock_timestamp()");
  EXPECT_TRUE(test::eventually(
      [&] { return look("SELECT count(*) FROM projector_workers WHERE heartbeat > '" + before + "'") == "1"; }));
}

TEST_F(BookkeeperTest, RowsAreExactlyWhatRunsHereAndOtherHostsKeepTheirs) {
  run("INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin) VALUES "
      "('a', 'there/2', 'a', 0, 1, 'live', 'a'), ('old', 'here/1', 'old', 0, 1, 'live', 'old')");
  start();
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>{status("a"), status("b")}; });
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|live a|there/2|live b|here/1|live"; }));
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>{status("b")}; });
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|there/2|live b|here/1|live"; }));
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>(); });
  bookkeeper_.reset();
  EXPECT_EQ(workers(), "a|there/2|live") << "nothing is left of this host";
}

TEST_F(BookkeeperTest, TwoStatesOfOneCheckpointDoNotStopTheOthers) {
  start();
  bookkeeper_->publish_from([] {
    return std::vector<WorkerStatus>{status("a"), status("a", State::Refused), status("b")};
  });
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|live b|here/1|live"; }));
  EXPECT_EQ(reports().size(), 0u);
}

TEST_F(BookkeeperTest, AStateThatCannotBeWrittenIsReportedAndEndsNothing) {
  start(std::chrono::milliseconds(10));
  std::atomic<bool> cured = false;
  bookkeeper_->publish_from([&] {
    auto broken = status("a");
    broken.reason = cured ? "" : std::string("a\0b", 3);
    return std::vector<WorkerStatus>{broken};
  });
  EXPECT_TRUE(test::eventually([&] { return !reports().empty(); }));
  cured = true;
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|live"; }));
}

TEST_F(BookkeeperTest, ASourceIsNotAskedAnyMoreOnceItWasReplaced) {
  start();
  std::atomic<bool> asked = false;
  std::atomic<bool> replaced = false;
  bookkeeper_->publish_from([&] {
    asked = true;
    // Its owner may go once publish_from has returned, so that may not be before this does.
    EXPECT_FALSE(test::eventually([&] { return replaced.load(); }, std::chrono::seconds(1)));
    return std::vector<WorkerStatus>{status("a")};
  });
  bookkeeper_->poke();
  ASSERT_TRUE(test::eventually([&] { return asked.load(); }));
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>(); });
  replaced = true;
  bookkeeper_.reset();
  EXPECT_EQ(workers(), "");
}

TEST_F(BookkeeperTest, TheSettledPositionIsStoredWithItsStore) {
  log_.add_up_to(40);
  start();
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>(); });
  bookkeeper_->poke();
  const auto stored = [&] { return table("SELECT store, timeline, settled FROM projector_stores"); };
  EXPECT_TRUE(test::eventually([&] { return stored() == "7000/1/2|1|40"; }));
  log_.add_up_to(50);
  log_.set_store({"7000/1/2", 2});
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] { return stored() == "7000/1/2|2|50"; }));
}

TEST_F(BookkeeperTest, EndsThoughAStatementHangs) {
  start();
  EXPECT_EQ(wait(submit("a", 0, 10)), Answer::Written);
  run("BEGIN; LOCK TABLE projector_checkpoints");
  const auto handover = submit("a", 10, 20);
  wait_for_lock_wait();
  bookkeeper_.reset();
  EXPECT_EQ(handover->answer(), Answer::Pending);
  run("ROLLBACK");
  EXPECT_EQ(checkpoints(), "a|10 b|0");
}

TEST_F(BookkeeperTest, EndsWithoutAServer) {
  Bookkeeper::Options wanted;
  wanted.connect.dsn = "host=/nonexistent dbname=x";
  wanted.host = "here/1";
  wanted.report = [this](const std::string& text) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(text);
  };
  bookkeeper_.emplace(wanted, tables_, log_);
  const auto handover = submit("a", 0, 10);
  EXPECT_TRUE(test::eventually([&] { return !reports().empty(); }));
  bookkeeper_.reset();
  EXPECT_EQ(handover->answer(), Answer::Pending);
  EXPECT_EQ(reports().size(), 1u);
}

TEST(HandoverTest, AWaitEndsWithAStop) {
  Handover handover;
  base::Stop stop;
  stop.request();
  EXPECT_EQ(handover.wait(stop, std::chrono::hours(1)), Answer::Pending);
  EXPECT_EQ(handover.wait(base::no_stop(), base::Duration::zero()), Answer::Pending);
}

} // namespace
} // namespace projector::projection
