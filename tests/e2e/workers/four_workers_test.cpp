#include "disturber.hpp"
#include "seen_events.hpp"
#include "support/event_writers.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <limits>
#include <optional>

namespace projector::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Four partitions of each plugin, and one projection, solo, that only worker 0 runs.
const std::string kProjections =
    "[projection.user_counter]\nbatch_size = 10\npartitions = 4\n[projection.revenue]\nbatch_size = 50\npartitions = "
    "4\n"
    "[projection.activity_log]\nbatch_size = 7\npartitions = 4\n[projection.recorder]\nbatch_size = 100\npartitions = "
    "4\n[projection.solo]\nplugin = \"recorder\"\npartitions = 1\n";

class FourWorkers : public ::testing::Test {
protected:
  FourWorkers() {
    create_event_store(dsn_);
    make_seen_table(dsn_, "recorder");
    make_seen_table(dsn_, "solo");
  }
  std::string value(const std::string& sql) { return query_value(dsn_, sql); }
  /// Each catches up while events are being written, before the next one starts.
  void start_one_after_another() {
    for (std::uint32_t id = 0; id < workers_.total(); ++id) {
      workers_.start(id);
      ASSERT_TRUE(
          becomes(dsn_,
                  fmt::format("SELECT count(*) FROM projector_checkpoints WHERE partition = {} AND position > 0 "
                              "AND name LIKE '%\\_p%'",
                              id),
                  "4"))
          << workers_.logs();
      EXPECT_EQ(
          value(fmt::format("SELECT coalesce(max(position), 0) FROM projector_checkpoints WHERE partition > {}", id)),
          "0");
      EXPECT_TRUE(becomes(dsn_, "SELECT max(partition) FROM recorder_seen", std::to_string(id)));
      EXPECT_TRUE(becomes(dsn_,
                          fmt::format("SELECT string_agg(DISTINCT partition::text, ',') FROM projector_workers WHERE "
                                      "host = '{}' AND name LIKE '%\\_p%'",
                                      workers_.host_name(id)),
                          std::to_string(id)));
    }
  }
  void expect_everything_right() {
    for (const auto& plugin : kShippedPlugins) {
      expect_right(dsn_, plugin);
    }
    expect_seen_once_in_order(dsn_, "recorder", 4);
    expect_seen_once_in_order(dsn_, "solo", 1);
    EXPECT_EQ(value("SELECT count(*) FROM recorder_seen WHERE writer <> 'worker ' || partition"), "0");
    EXPECT_EQ(value("SELECT string_agg(DISTINCT writer, ',') FROM solo_seen"), "worker 0");
    std::string names;
    for (const char* plugin : {"activity_log", "recorder", "revenue", "user_counter"}) {
      for (int partition = 0; partition < 4; ++partition) {
        names += fmt::format("{}_p{},", plugin, partition);
      }
    }
    EXPECT_EQ(value("SELECT string_agg(projection_name, ',' ORDER BY projection_name COLLATE \"C\") FROM "
                    "projection_checkpoints WHERE projection_name <> 'solo'") +
                  ",",
              names);
    EXPECT_EQ(value("SELECT count(*) FROM projector_checkpoints c JOIN projection_checkpoints m ON m.projection_name = "
                    "c.name WHERE c.position = m.last_global_position"),
              "17");
  }

  const std::string dsn_ = PrivatePostgres::shared().create_database();
  WorkerGroup workers_{dsn_, 4, {"user_counter", "revenue", "activity_log", "recorder"}, kProjections};
};

TEST_F(FourWorkers, LoseNothingAndDoubleNothingWhateverHappensToThem) {
  constexpr std::uint32_t kSeed = 20;
  std::optional<EventWriters> writers;
  writers.emplace(dsn_, EventWriters::Options{
                            .events = std::numeric_limits<std::uint64_t>::max(), .seed = kSeed, .pause_us = 10000});
  start_one_after_another();
  Disturber disturber(workers_, kSeed);
  std::mt19937 random(kSeed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(size_of_run(10, 300));
  const auto& counts = disturber.counts();
  while (!HasFailure() &&
         (std::chrono::steady_clock::now() < end || counts.stops * counts.kills * counts.suspensions == 0)) {
    const auto enough = writers->written() + std::uniform_int_distribution<std::uint64_t>(20, 500)(random);
    EXPECT_TRUE(eventually([&] { return writers->written() >= enough; }));
    disturber.step();
  }
  disturber.let_all_run();
  writers.reset();
  ASSERT_TRUE(workers_.caught_up()) << workers_.logs();
  for (std::uint32_t id = 0; id < 4; ++id) {
    EXPECT_EQ(workers_[id].stop(), 0) << workers_[id].log();
    EXPECT_THAT(workers_[id].log(), Not(HasSubstr(": failed: ")));
  }
  expect_everything_right();
  fmt::print("4 workers, {} events, {} stops, {} kills, {} suspensions, {} restarts; differences 0 expected\n",
             value("SELECT count(*) FROM events"), counts.stops, counts.kills, counts.suspensions, counts.starts);
}

} // namespace
} // namespace projector::test
