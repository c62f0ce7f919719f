#include "projection/worker.hpp"

#include "base/fnv1a.hpp"
#include "pg/projection/projection_test.hpp"
#include "plugin/module.hpp"
#include "plugin/settings.hpp"
#include "support/temporary_directory.hpp"
#include "unit/projection/fake_event_log.hpp"

#include <atomic>
#include <fstream>
#include <mutex>

namespace projector::projection {
namespace {

/// Workers with the test plugins, on a fake event log and a real read model.
class WorkerTest : public ProjectionTest {
protected:
  void SetUp() override {
    projection_.name = projection_.checkpoint = "seen";
    projection_.batch_size = 10;
    projection_.checkpoint_interval = std::chrono::milliseconds(5);
    projection_.retry_backoff = std::chrono::milliseconds(1);
    projection_.retry_backoff_max = std::chrono::milliseconds(5);
    projection_.restart_interval = base::Duration::zero();
    bookkeeper_->publish_from([this] {
      const std::lock_guard lock(mutex_);
      return worker_ ? std::vector<WorkerStatus>{worker_->status()} : std::vector<WorkerStatus>();
    });
  }
  void TearDown() override {
    stop();
    bookkeeper_.reset();
  }
  static Bookkeeper::Options bookkeeping(const pg::ConnectOptions& connect) {
    Bookkeeper::Options options;
    options.connect = connect;
    options.host = "here/1";
    return options;
  }
  /// With the settings `key = value` of the plugin's own declaration.
  void start(const std::string& plugin, const std::vector<std::pair<std::string, std::string>>& settings = {}) {
    projection_.plugin = plugin;
    const auto staged =
        plugin::stage(std::filesystem::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / (plugin + ".so"), staging_.path());
    ASSERT_TRUE(staged.staged) << staged.refusal->reason;
    const auto loaded = plugin::Module::load(*staged.staged);
    ASSERT_TRUE(loaded.module) << loaded.refusal->reason;
    std::vector<plugin::Settings::Entry> entries;
    for (const auto& [key, value] : settings) {
      entries.push_back({key, value});
    }
    const std::lock_guard lock(mutex_);
    worker_ = std::make_unique<Worker>(WorkerAssignment{projection_, partition_, loaded.module,
                                                        plugin::Settings(entries), temporary_.path().string(), 1},
                                       services_);
  }
  void stop() {
    std::unique_ptr<Worker> worker;
    {
      const std::lock_guard lock(mutex_);
      worker.swap(worker_);
    }
  }
  bool reaches(State state) {
    return test::eventually([&] { return worker_->status().state == state; });
  }
  bool stores(std::int64_t position) {
    return test::eventually([&] { return checkpoints() == "seen|" + std::to_string(position); });
  }
  std::string seen() { return table("SELECT global_position FROM seen_seen ORDER BY 1"); }
  std::string lines() const {
    std::ifstream file(temporary_.path() / "events");
    std::string text;
    for (std::string line; std::getline(file, line);) {
      text += (text.empty() ? "" : " ") + line.substr(line.find(' ') + 1);
    }
    return text;
  }

  test::TemporaryDirectory temporary_;
  plugin::StagingDirectory staging_{temporary_.path() / "staging"};
  test::FakeEventLog log_;
  pg::Pool pool_{{.connect = options(), .size = 4, .most = 8}};
  std::optional<Bookkeeper> bookkeeper_{std::in_place, bookkeeping(options()), tables_, log_};
  WorkerServices services_{
      log_, pool_, tables_, *bookkeeper_, "here/1", "off", true, true, [this] { bookkeeper_->poke(); }};
  config::Projection projection_;
  std::uint32_t partition_ = 0;
  std::mutex mutex_; ///< guards worker_ against the bookkeeper's thread
  std::unique_ptr<Worker> worker_;
};

std::string sequence(int first, int last) {
  std::string text;
  for (; first <= last; ++first) {
    text += (text.empty() ? "" : " ") + std::to_string(first);
  }
  return text;
}

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
  EXPECT_TRUE(status.committed);
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
  std::filesystem::create_directory(temporary_.path() / "events"); // which cannot be appended to: RETRY, then REJECT
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
  // Another host handles the next ones.
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
  EXPECT_EQ(worker_->status().reason.find("checkpoint seen was moved by somebody else: "), 0u);
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
  log_.set_last_position(4); // what this host's log saw last
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
  // As a crash with synchronous_commit = off leaves it.
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
