// Two workers that are upgraded, killed, frozen and requested to rebuild at random while events are written, compared
// with a model at every step. PROJECTOR_MODEL_SEED and PROJECTOR_MODEL_OPERATIONS are as in random_operations_test.cpp.
#include "upgraded_workers.hpp"

#include "base/stop.hpp"
#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <limits>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace projector::test::model {
namespace {

using Kind = WorkerOperation::Kind;

constexpr int kPartitions = 4;
constexpr const char* kTable = "[projection.trial]\npartitions = 4\nbatch_size = 50\nrebuild = \"automatic\"\n"
                               "restart_interval = \"500ms\"\n";

/// The plugin's table without its primary key, so that an event can be handled twice and is counted.
constexpr const char* kSeen = "CREATE TABLE trial_seen (projection text NOT NULL, partition integer NOT NULL, "
                              "global_position bigint NOT NULL); CREATE INDEX ON trial_seen (global_position)";

/// In one snapshot: events that are missing up to the checkpoints, events that were handled twice, rows beyond the
/// checkpoints, and rows of another version of the read model than the stored one.
constexpr const char* kWrongRows =
    "SELECT (SELECT count(*) FROM events e WHERE global_position <= (SELECT min(position) FROM projector_checkpoints) "
    "AND NOT EXISTS (SELECT FROM trial_seen s WHERE s.global_position = e.global_position)) + (SELECT count(*) - "
    "count(DISTINCT global_position) FROM trial_seen) + (SELECT count(*) FROM "
    "trial_seen s JOIN projector_checkpoints c ON c.partition = s.partition WHERE s.global_position > c.position) + "
    "(SELECT count(*) FROM trial_batches, projector_projections WHERE (mark = 'third') <> (read_model_version = 2))";

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Workers {
public:
  Workers(const std::string& dsn, std::uint64_t seed)
      : dsn_(dsn), seed_(seed), hosts_{HostProcess(dsn), HostProcess(dsn)}, substitute_(dsn) {
    pg::ConnectOptions options;
    options.dsn = dsn;
    connection_.emplace(options, base::no_stop());
    connection_->script(kSeen);
    for (std::size_t worker = 0; worker < hosts_.size(); ++worker) {
      install(hosts_[worker], 0);
      hosts_[worker].write_projection_file("trial", kTable);
      start(hosts_[worker], worker);
    }
    substitute_.write_projection_file("trial", kTable);
    write();
    compare();
  }

  [[nodiscard]] const UpgradedWorkers& model() const { return model_; }

  void step(const WorkerOperation& operation) {
    history_.push_back(fmt::format("{}: {}", ++number_, to_string(operation)));
    if (history_.size() > 20) {
      history_.pop_front();
    }
    model_.apply(operation);
    perform(operation);
    compare();
  }

  void finish() {
    writers_.reset();
    ASSERT_TRUE(eventually([&] { return read_model_difference(dsn_, "recorder", "trial") == 0; })) << report("");
    for (auto& host : hosts_) {
      EXPECT_EQ(host.stop(), 0) << host.log();
    }
  }

private:
  static void install(const HostProcess& host, std::size_t version) {
    host.install_file(
        fmt::format("{}/{}/trial.so", PROJECTOR_TEST_BROKEN_PLUGIN_DIR, kTrialVersions.at(version).folder), "trial");
  }
  static void start(HostProcess& host, std::size_t worker) {
    host.start({"--worker-id", std::to_string(worker), "--total-workers", "2"});
  }
  /// Begins to write events, others at each call.
  void write() {
    EventWriters::Options options;
    options.writers = 2;
    options.events = std::numeric_limits<std::uint64_t>::max();
    options.seed = static_cast<std::uint32_t>(seed_ + 7919 * pauses_++);
    options.pause_us = 20000;
    writers_.emplace(dsn_, options);
  }
  void perform(const WorkerOperation& operation) {
    HostProcess& host = hosts_.at(operation.worker);
    switch (operation.kind) {
    case Kind::Put:
      return install(host, operation.version);
    case Kind::Kill:
      host.kill();
      return start(host, operation.worker);
    case Kind::Restart:
      ASSERT_EQ(host.stop(), 0) << report("");
      return start(host, operation.worker);
    case Kind::Rebuild:
      return rebuild(host);
    case Kind::RebuildIdle:
      return rebuild_idle(host);
    case Kind::Freeze:
      return freeze(operation.worker);
    }
  }
  void rebuild(const HostProcess& host) {
    const auto finished = run_program(
        {PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config", host.configuration_file().string(), "rebuild", "trial"});
    ASSERT_EQ(finished.code, 0) << finished.output << report("");
  }
  /// Nothing but the request itself can make a partition look at its checkpoint then.
  void rebuild_idle(const HostProcess& host) {
    writers_.reset();
    const auto newest = newest_position();
    ASSERT_TRUE(eventually([&] { return go_on(newest); })) << report(shown());
    rebuild(host);
    if (!testing::Test::HasFatalFailure()) {
      compare();
    }
    write();
  }
  void freeze(std::size_t worker) {
    HostProcess& host = hosts_.at(worker);
    ASSERT_TRUE(stop_between_batches(host, worker)) << report(shown());
    const auto& now = model_.workers().at(worker);
    install(substitute_, now.file);
    start(substitute_, worker);
    const std::string runs = fmt::format("{} ({})", kTrialVersions.at(now.runs).version, kPartitions / 2);
    ASSERT_TRUE(eventually([&] { return shown_by(substitute_, worker) == runs; }))
        << report(shown()) << substitute_.log();
    const auto newest = newest_position();
    ASSERT_TRUE(eventually([&] { return go_on(newest); })) << report(shown()) << substitute_.log();
    host.signal(SIGCONT);
    // Each of its partitions finds that it was replaced, and does not commit what it holds.
    const std::string replaced = fmt::format("standby ({})", kPartitions / 2);
    ASSERT_TRUE(eventually([&] { return shown_by(host, worker) == replaced; })) << report(shown());
    ASSERT_EQ(substitute_.stop(), 0) << substitute_.log();
  }
  /// SIGSTOP at a moment when the worker has no transaction open that its substitute would wait for.
  bool stop_between_batches(const HostProcess& host, std::size_t worker) {
    const auto free =
        fmt::format("SELECT count(*) FROM (SELECT FROM projector_checkpoints WHERE partition % 2 = {} FOR "
                    "UPDATE SKIP LOCKED) AS free",
                    worker);
    return eventually([&] {
      host.signal(SIGSTOP);
      // What it had sent by then is still carried out.
      const auto at_rest = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
      bool good = true;
      while (good && std::chrono::steady_clock::now() < at_rest) {
        good = value(free) == std::to_string(kPartitions / 2);
      }
      if (!good) {
        host.signal(SIGCONT);
      }
      return good;
    });
  }
  std::string value(const std::string& sql) {
    const auto rows = connection_->exec(sql);
    return rows.rows() == 0 || rows.is_null(0, 0) ? "" : std::string(rows.bytes(0, 0));
  }

  std::string newest_position() { return value("SELECT max(global_position) FROM events"); }

  /// What a process shows of the worker's partitions.
  std::string shown_by(const HostProcess& host, std::size_t worker) {
    return value(fmt::format("SELECT string_agg(DISTINCT CASE WHEN state IN ('live', 'catching_up') THEN "
                             "plugin_version WHEN state = 'refused' AND strpos(reason, 'takes no part') > 0 THEN "
                             "'refused' WHEN state = 'standby' THEN state ELSE state || ' ' || reason END, ', ') || "
                             "' (' || count(*) || ')' FROM projector_workers WHERE partition % 2 = {} AND heartbeat > "
                             "now() - interval '3 s' AND host ~ '/{}([^0-9]|$)'",
                             worker, host.pid()));
  }
  /// Every partition with what its host shows of it, the stored version and the epoch.
  std::string shown() {
    std::string text;
    try {
      text = value("SELECT format('read model %s, epoch %s, %s requested', read_model_version, epoch, "
                   "least(rebuild_requested, 1)) FROM projector_projections");
      for (std::size_t worker = 0; worker < hosts_.size(); ++worker) {
        text += fmt::format("\nworker {}: ", worker) + shown_by(hosts_[worker], worker);
      }
    } catch (const pg::Error& error) {
      text = error.what(); // a table that is not made yet
    }
    return text;
  }
  std::string expected() const {
    std::string text = fmt::format("read model {}, epoch {}, 0 requested", model_.read_model(), model_.epoch());
    for (std::size_t worker = 0; worker < hosts_.size(); ++worker) {
      const auto& now = model_.workers().at(worker);
      text += fmt::format("\nworker {}: {} ({})", worker,
                          now.takes_part ? kTrialVersions.at(now.runs).version : "refused", kPartitions / 2);
    }
    return text;
  }
  /// Of the workers that take part, the partitions have handled all that is there now, so that trials are over.
  bool go_on(const std::string& position) {
    for (std::size_t worker = 0; worker < hosts_.size(); ++worker) {
      if (model_.workers().at(worker).takes_part &&
          value(fmt::format("SELECT count(*) FROM projector_checkpoints WHERE partition % 2 = {} AND position < {}",
                            worker, position)) != "0") {
        return false;
      }
    }
    return true;
  }

  void compare() {
    if (testing::Test::HasFatalFailure()) {
      return;
    }
    std::string found;
    ASSERT_TRUE(eventually([&] { return (found = shown()) == expected(); })) << report(found);
    // What goes back and forth shows once everybody has handled more events.
    const auto newest = newest_position();
    ASSERT_TRUE(eventually([&] { return go_on(newest); })) << report(shown());
    ASSERT_TRUE(eventually([&] { return (found = shown()) == expected(); })) << report(found);
    ASSERT_EQ(value("SELECT epoch FROM projector_projections"), std::to_string(model_.epoch())) << report(found);
    ASSERT_EQ(value(kWrongRows), "0") << report(found);
  }

  std::string report(const std::string& found) const {
    const auto tail = [](const std::string& log) { return log.substr(log.size() > 4000 ? log.size() - 4000 : 0); };
    return fmt::format("\nseed {}, operation {}; the last ones:\n  {}\nthe model:\n{}\nthe hosts:\n{}\nlog of worker "
                       "0:\n{}\nlog of worker 1:\n{}\n",
                       seed_, number_, fmt::join(history_, "\n  "), expected(), found, tail(hosts_[0].log()),
                       tail(hosts_[1].log()));
  }

  const std::string dsn_;
  const std::uint64_t seed_;
  std::array<HostProcess, 2> hosts_;
  HostProcess substitute_;
  std::optional<EventWriters> writers_;
  std::uint64_t pauses_ = 0; ///< of the writers
  std::optional<pg::Connection> connection_;
  UpgradedWorkers model_;
  std::uint64_t number_ = 0;
  std::deque<std::string> history_;
};

/// Draws what makes sense, the same for the same seed: a higher version is as likely as it was, so that the read
/// model's version rises in the middle of a run and every later operation meets workers of both versions.
WorkerOperation draw(std::mt19937_64& random, const UpgradedWorkers& model) {
  while (true) {
    WorkerOperation operation;
    operation.worker = random() % 2;
    constexpr std::array kKinds{Kind::Put,         Kind::Put,         Kind::Put,     Kind::Put,     Kind::Put,
                                Kind::Kill,        Kind::Kill,        Kind::Restart, Kind::Restart, Kind::Rebuild,
                                Kind::RebuildIdle, Kind::RebuildIdle, Kind::Freeze,  Kind::Freeze};
    operation.kind = kKinds.at(random() % kKinds.size());
    operation.version = random() % kTrialVersions.size();
    const bool same = operation.kind == Kind::Put && operation.version == model.workers().at(operation.worker).file;
    if (!same && model.allows(operation)) {
      return operation;
    }
  }
}

TEST(UpgradedWorkers, StatesEpochsAndTheReadModelAgreeWithTheModelAtEveryStep) {
  const std::uint64_t seed = number_from("PROJECTOR_MODEL_SEED", size_of_run(114, std::random_device{}()));
  const std::uint64_t operations = number_from("PROJECTOR_MODEL_OPERATIONS", size_of_run(25, 40));
  const std::uint64_t runs = size_of_run(1, 20);
  fmt::print("PROJECTOR_MODEL_SEED={} PROJECTOR_MODEL_OPERATIONS={}\n", seed, operations);
  // The version of a read model only goes up, so that each run has one such step; the long test makes many runs.
  for (std::uint64_t run = 0; run < runs && !HasFatalFailure(); ++run) {
    const std::string dsn = PrivatePostgres::shared().create_database();
    create_event_store(dsn);
    Workers workers(dsn, seed + run);
    std::mt19937_64 random(seed + run);
    for (std::uint64_t done = 0; done < operations && !HasFatalFailure(); ++done) {
      workers.step(draw(random, workers.model()));
    }
    // Both reach the newest version.
    for (const std::size_t worker : {0u, 1u}) {
      if (!HasFatalFailure() && workers.model().workers().at(worker).file != 2) {
        workers.step({.kind = Kind::Put, .worker = worker, .version = 2});
      }
    }
    if (!HasFatalFailure()) {
      workers.finish();
    }
  }
}

} // namespace
} // namespace projector::test::model
