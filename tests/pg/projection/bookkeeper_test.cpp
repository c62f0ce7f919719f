#include "projection/bookkeeper.hpp"

#include "pg/projection/projection_test.hpp"
#include "unit/projection/fake_event_log.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>

namespace projector::projection {
namespace {

using testing::HasSubstr;

class BookkeeperTest : public ProjectionTest {
protected:
  void SetUp() override { ASSERT_TRUE(open(request({"a", 0, 1})).checkpoint); }
  void TearDown() override { bookkeeper_.reset(); }
  void start(base::Duration heartbeat = std::chrono::hours(1)) {
    Bookkeeper::Options wanted;
    wanted.connect = options();
    wanted.connect.application_name = "bookkeeper";
    wanted.host = "here/1";
    wanted.heartbeat = heartbeat;
    wanted.report = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(text);
    };
    bookkeeper_.emplace(wanted, tables_, log_);
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

TEST_F(BookkeeperTest, RowsOfSilentHostsGoSoonWhereThisOneRunsThePartitionAndElseLater) {
  run("INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin, heartbeat) VALUES "
      "('a', 'there/2', 'a', 0, 1, 'live', 'a', now() - interval '2 minutes'), "
      "('a', 'there/3', 'a', 0, 1, 'standby', 'a', now()), "
      "('b', 'there/2', 'b', 0, 1, 'live', 'b', now() - interval '2 minutes'), "
      "('c', 'there/2', 'c', 0, 1, 'live', 'c', now() - interval '2 minutes'), "
      "('d', 'there/2', 'd', 0, 1, 'live', 'd', now() - interval '2 hours')");
  start();
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>{status("a"), status("b", State::Standby)}; });
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] {
    return workers() == "a|here/1|live a|there/3|standby b|here/1|standby b|there/2|live c|there/2|live";
  })) << workers();
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

TEST_F(BookkeeperTest, ARowThatTheServerRefusesIsReportedAndKeepsNoOtherBack) {
  run("ALTER TABLE projector_workers ADD CONSTRAINT picky CHECK (name <> 'a')");
  start(std::chrono::milliseconds(10));
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>{status("a"), status("b")}; });
  EXPECT_TRUE(test::eventually([&] { return workers() == "b|here/1|live"; }));
  EXPECT_TRUE(test::eventually([&] { return !reports().empty(); }));
  EXPECT_THAT(reports()[0], HasSubstr("a: new row for relation \"projector_workers\" violates check constraint"));
  run("ALTER TABLE projector_workers DROP CONSTRAINT picky");
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|live b|here/1|live"; }));
}

TEST_F(BookkeeperTest, NoTextStopsTheHeartbeats) {
  start();
  bookkeeper_->publish_from([] {
    auto odd = status("a");
    odd.plugin_version = "1.\xFF";
    odd.reason = std::string("a\0b\nc", 5) + std::string(100000, 'x');
    auto refused = status("b\xE2\x82", State::Refused);
    return std::vector<WorkerStatus>{odd, refused, status("b\xE2\x82"), status(std::string(10000, 'n'))};
  });
  bookkeeper_->poke();
  EXPECT_TRUE(test::eventually([&] { return look("SELECT count(*) FROM projector_workers") == "3"; }));
  EXPECT_EQ(table("SELECT plugin_version, left(reason, 6), length(reason) < 9000 FROM projector_workers WHERE name = "
                  "'a'"),
            "1.\xEF\xBF\xBD|a b cx|t");
  EXPECT_EQ(reports().size(), 0u);
}

TEST_F(BookkeeperTest, ADatabaseOfAnotherEncodingTakesWhatItCan) {
  run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  auto latin = options();
  latin.dsn = test::PrivatePostgres::shared().dsn("latin");
  pg::Connection session(latin, base::no_stop());
  const auto tables = open_tables(session, "projection_checkpoints");
  Bookkeeper::Options wanted;
  wanted.connect = latin;
  wanted.host = "here/1";
  bookkeeper_.emplace(wanted, tables, log_);
  bookkeeper_->publish_from([] {
    auto odd = status("a");
    odd.reason = "costs 3 \xE2\x82\xAC, Gr\xC3\xBC\xC3\x9F";
    auto fine = status("b");
    fine.reason = "Gr\xC3\xBC\xC3\x9F";
    return std::vector<WorkerStatus>{odd, fine};
  });
  bookkeeper_->poke();
  const auto reasons = [&] {
    const auto rows = session.exec("SELECT coalesce(string_agg(reason, '|' ORDER BY name), '') FROM projector_workers");
    return std::string(rows.bytes(0, 0));
  };
  EXPECT_TRUE(test::eventually([&] { return reasons() == "costs 3 ?, Gr??|Gr\xC3\xBC\xC3\x9F"; })) << reasons();
  bookkeeper_.reset();
}

TEST_F(BookkeeperTest, ASourceIsNotAskedAnyMoreOnceItWasReplaced) {
  start();
  std::atomic<bool> asked = false;
  std::atomic<bool> replaced = false;
  bookkeeper_->publish_from([&] {
    asked = true;
    // The owner may destroy this once publish_from has returned, so publish_from must not return before this function.
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

TEST_F(BookkeeperTest, ALockOnOneTableStopsOnlyWhatIsWrittenToIt) {
  run("UPDATE projector_projections SET rebuild_requested = 7");
  log_.add_up_to(40);
  start(std::chrono::milliseconds(10));
  std::atomic<std::int64_t> requested = 0;
  pg::Connection holder({.dsn = dsn_, .application_name = "psql", .settings = {}}, base::no_stop());
  holder.script("BEGIN; LOCK TABLE projector_workers IN SHARE MODE");
  bookkeeper_->publish_from(
      [] { return std::vector<WorkerStatus>{status("a")}; },
      [&](const auto& requests) { requested = requests.contains("a") ? requests.at("a").number : 0; });
  EXPECT_TRUE(test::eventually([&] { return requested == 7; }));
  EXPECT_TRUE(test::eventually([&] { return table("SELECT settled FROM projector_stores") == "40"; }));
  ASSERT_EQ(reports().size(), 1u);
  EXPECT_THAT(reports()[0], HasSubstr("the states and heartbeats of this host cannot be written: canceling statement "
                                      "due to lock timeout"));
  EXPECT_THAT(reports()[0], HasSubstr(fmt::format("pid {} (psql, idle in transaction for", holder.backend_pid())));
  EXPECT_THAT(reports()[0], HasSubstr("holds ShareLock on projector_workers"));
  EXPECT_EQ(bookkeeper_->hearing(std::chrono::seconds(3)), Bookkeeper::Hearing::Unheard);
  holder.script("COMMIT; BEGIN; LOCK TABLE projector_stores IN SHARE MODE");
  EXPECT_TRUE(test::eventually([&] { return workers() == "a|here/1|live"; }));
  EXPECT_TRUE(test::eventually(
      [&] { return bookkeeper_->hearing(std::chrono::milliseconds(20)) == Bookkeeper::Hearing::Heard; }));
  EXPECT_EQ(bookkeeper_->hearing(std::chrono::hours(1)), Bookkeeper::Hearing::Unheard) << "within the last hour";
}

TEST_F(BookkeeperTest, NothingIsKnownOfSilenceBeforeTheFirstHeartbeat) {
  start();
  EXPECT_EQ(bookkeeper_->hearing(std::chrono::seconds(3)), Bookkeeper::Hearing::NotYet);
  bookkeeper_->publish_from([] { return std::vector<WorkerStatus>{status("a")}; });
  bookkeeper_->poke();
  EXPECT_TRUE(
      test::eventually([&] { return bookkeeper_->hearing(std::chrono::hours(1)) == Bookkeeper::Hearing::Heard; }));
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

} // namespace
} // namespace projector::projection
