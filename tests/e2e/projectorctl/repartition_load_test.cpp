#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace projector::test {
namespace {

/// A projection of the recorder that is moved from count to count while events are written all the time.
class RepartitionUnderLoad : public ::testing::Test {
protected:
  RepartitionUnderLoad() {
    create_event_store(dsn_);
    writers_ = std::make_unique<EventWriters>(
        dsn_,
        EventWriters::Options{.events = std::numeric_limits<std::uint64_t>::max(), .seed = 11, .pause_us = 30000});
  }
  std::string value(const std::string& sql) const { return query_value(dsn_, sql); }
  std::int64_t number(const std::string& sql) const { return std::stoll(value(sql)); }
  [[nodiscard]] std::unique_ptr<HostProcess> make_host(int partitions) const {
    auto host = std::make_unique<HostProcess>(dsn_);
    host->install_plugin("recorder");
    host->write_projection_file(
        "things", fmt::format("[projection.things]\nplugin = \"recorder\"\npartitions = {}\nbatch_size = 20\n"
                              "restart_interval = \"1s\"\n",
                              partitions));
    return host;
  }
  /// Until every partition has gone on by some events.
  bool moves(const std::string& log) {
    const auto from = number("SELECT coalesce(max(position), 0) FROM projector_checkpoints");
    return eventually([&] { return number("SELECT coalesce(min(position), 0) FROM projector_checkpoints") > from; },
                      std::chrono::seconds(60)) ||
           (ADD_FAILURE() << log, false);
  }
  Finished repartition(const HostProcess& host, int to) const {
    return run_program({PROJECTOR_TEST_BIN_DIR "/projectorctl", "repartition", "things", "--to", std::to_string(to),
                        "--config", host.configuration_file().string()});
  }
  /// A host of the old count falls asleep, anywhere in a batch, until its heartbeats are too old to be a sign of life.
  void suspend(const HostProcess& old) {
    old.signal(SIGSTOP);
    EXPECT_TRUE(eventually([&] {
      return value("SELECT count(*) FROM projector_workers WHERE heartbeat > now() - interval '5 seconds'") == "0";
    }));
  }
  /// From `from` partitions, with one host of that count that is asleep meanwhile and wakes up beside the new one.
  void change(int from, int to) {
    auto old = make_host(from);
    old->start();
    ASSERT_TRUE(moves(old->log()));
    suspend(*old);
    Finished run = repartition(*old, to);
    if (run.code != 0) {
      // It was suspended with open transactions that lock checkpoints: end their sessions, as the message says.
      ASSERT_NE(run.output.find("SELECT pg_terminate_backend("), std::string::npos) << run.output;
      value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "
            "application_name LIKE 'projectord projection%' AND state = 'idle in transaction'");
      run = repartition(*old, to);
    }
    ASSERT_EQ(run.code, 0) << run.output;
    std::printf("%s", run.output.substr(run.output.rfind("things has")).c_str());
    auto next = make_host(to);
    next->start();
    old->signal(SIGCONT);
    ASSERT_TRUE(moves(next->log()));
    EXPECT_TRUE(old->logs(fmt::format("was written with {} partitions, the configuration says {}", to, from)));
    EXPECT_EQ(old->stop(), 0);
    EXPECT_EQ(next->stop(), 0) << next->log();
  }

  std::string dsn_ = PrivatePostgres::shared().create_database();
  std::unique_ptr<EventWriters> writers_;
};

TEST_F(RepartitionUnderLoad, LosesNothingAndDoublesNothingBesideWorkersThatWakeUp) {
  auto first = make_host(4);
  ASSERT_EQ(first->run({"--until-caught-up", "--timeout", "60s"}), 0) << first->log();
  value("ALTER TABLE things_seen ADD COLUMN n bigserial");
  const std::vector<int> counts = size_of_run(0, 1) == 0 ? std::vector<int>{4, 6} : std::vector<int>{4, 8, 2, 3, 1};
  for (std::size_t step = 0; step + 1 < counts.size(); ++step) {
    ASSERT_NO_FATAL_FAILURE(change(counts[step], counts[step + 1]));
  }
  writers_.reset();
  auto last = make_host(counts.back());
  ASSERT_EQ(last->run({"--until-caught-up", "--timeout", "60s"}), 0) << last->log();
  EXPECT_EQ(read_model_difference(dsn_, "recorder", "things"), 0) << last->log();
  EXPECT_EQ(value("SELECT count(*) FROM (SELECT lag(s.n) OVER (PARTITION BY bounded_context, aggregate_type, "
                  "aggregate_id ORDER BY global_position) > s.n AS late FROM things_seen s JOIN events USING "
                  "(global_position)) AS t WHERE late"),
            "0");
  const auto events = number("SELECT count(*) FROM events");
  const auto committed = number("SELECT count(*) FROM things_seen");
  std::printf("%lld events new, %lld handled and committed, %lld more handled and rolled back\n",
              static_cast<long long>(events), static_cast<long long>(committed),
              static_cast<long long>(number("SELECT last_value FROM things_seen_n_seq") - committed));
  EXPECT_EQ(events, committed);
}

} // namespace
} // namespace projector::test
