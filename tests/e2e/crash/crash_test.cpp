#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace projector::test {
namespace {

const std::vector<std::string> kPlugins{"user_counter", "revenue", "activity_log", "recorder"};

/// A host with the SQL plugins, partitioned in different ways, and small batches so that much is in flight.
void configure(HostProcess& host) {
  for (const auto& plugin : kPlugins) {
    host.install_plugin(plugin);
  }
  host.write_projection_file("all", "[projection.user_counter]\nbatch_size = 10\npartitions = 2\n"
                                    "[projection.revenue]\nbatch_size = 50\npartitions = 3\n"
                                    "[projection.activity_log]\nbatch_size = 7\nschema = \"reading\"\n"
                                    "[projection.recorder]\nbatch_size = 100\npartitions = 2\n");
}

std::string qualified(const std::string& dsn, const std::string& schema) {
  return dsn + fmt::format(" options='-c search_path={},public'", schema);
}

void expect_right(const std::string& dsn, const HostProcess& host) {
  for (const auto& plugin : kPlugins) {
    const std::string where = plugin == "activity_log" ? qualified(dsn, "reading") : dsn;
    EXPECT_EQ(read_model_difference(where, plugin, plugin), 0) << plugin << "\n" << host.log();
  }
  EXPECT_EQ(query_value(dsn, "SELECT count(*) FROM projector_checkpoints c JOIN projection_checkpoints m ON "
                             "m.projection_name = c.name WHERE c.position <> m.last_global_position"),
            "0");
}

std::int64_t positions(const std::string& dsn) {
  try {
    const auto sum = query_value(dsn, "SELECT sum(position) FROM projector_checkpoints");
    return sum.empty() ? 0 : std::stoll(sum);
  } catch (const std::exception&) {
    return -1;
  }
}

/// Waits until the projections have moved by about `step` positions in all, or there is nothing left to move to.
void let_move(const std::string& dsn, HostProcess& host, std::int64_t from, std::int64_t step,
              const EventWriters& writers) {
  EXPECT_TRUE(eventually([&] { return positions(dsn) >= from + step || writers.done() || !host.running(); },
                         std::chrono::seconds(120)))
      << host.log();
}

TEST(Crash, KillingTheHostAnywhereLosesNothingAndDoublesNothing) {
  const std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  HostProcess host(dsn);
  configure(host);
  const auto events = size_of_run(6000, 100000);
  const auto kills = size_of_run(8, 50);
  EventWriters writers(dsn, {.events = events, .pause_us = 10000});
  std::mt19937 random(7);
  const auto step = static_cast<std::int64_t>(events * 8 / kills / 2);
  std::uint64_t killed = 0;
  for (; killed < kills; ++killed) {
    host.start();
    const auto from = std::max<std::int64_t>(positions(dsn), 0);
    let_move(dsn, host, from, std::uniform_int_distribution<std::int64_t>(1, step)(random), writers);
    ASSERT_TRUE(host.running()) << host.log();
    host.kill();
  }
  writers.join();
  EXPECT_EQ(host.run({"--until-caught-up", "--timeout", "300s"}), 0) << host.log();
  expect_right(dsn, host);
  RecordProperty("kills", static_cast<int>(killed));
  fmt::print("{} kills, {} events, differences 0 expected\n", killed, query_value(dsn, "SELECT count(*) FROM events"));
}

TEST(Crash, CrashingTheServerLosesNothingAndDoublesNothing) {
  PrivatePostgres server({{}, true});
  const std::string dsn = server.create_database();
  create_event_store(dsn);
  HostProcess host(dsn);
  configure(host);
  const auto crashes = size_of_run(3, 10);
  EventWriters writers(dsn, {.events = size_of_run(6000, 50000), .pause_us = 10000});
  host.start();
  std::mt19937 random(11);
  for (std::uint64_t crash = 0; crash < crashes; ++crash) {
    const auto from = std::max<std::int64_t>(positions(dsn), 0);
    let_move(dsn, host, from, std::uniform_int_distribution<std::int64_t>(1, 3000)(random), writers);
    server.crash_restart();
    ASSERT_TRUE(host.running()) << host.log();
  }
  writers.join();
  EXPECT_EQ(host.stop(), 0) << host.log();
  EXPECT_EQ(host.run({"--until-caught-up", "--timeout", "300s"}), 0) << host.log();
  expect_right(dsn, host);
  fmt::print("{} crashes, {} events, differences 0 expected\n", crashes,
             query_value(dsn, "SELECT count(*) FROM events"));
}

class KilledAt : public testing::TestWithParam<const char*> {};

TEST_P(KilledAt, TheNextStartContinuesExactly) {
  const std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  EventWriters(dsn, {.writers = 2, .events = 500, .seed = 3}).join();
  HostProcess host(dsn);
  configure(host);
  EXPECT_EQ(host.run({}, {{"PROJECTOR_TEST_POINT", fmt::format("{}@5=kill", GetParam())}}), -9) << host.log();
  EXPECT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  expect_right(dsn, host);
}

INSTANTIATE_TEST_SUITE_P(EveryStep, KilledAt,
                         testing::Values("before_handle", "after_handle", "after_begin", "before_commit",
                                         "after_commit"));

} // namespace
} // namespace projector::test
