#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace projector::test {
namespace {

constexpr int kEvents = 100;

std::string store_with_things() {
  std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  query_value(dsn, fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, "
                               "event_id, event_type, payload) SELECT 'c', 't', 'a' || i, 1, gen_random_uuid(), "
                               "'Happened', '' FROM generate_series(1, {}) i",
                               kEvents));
  return dsn;
}

void request_rebuild(const HostProcess& host, const std::string& projection) {
  const auto asked = run_program(
      {PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config", host.configuration_file().string(), "rebuild", projection});
  ASSERT_EQ(asked.code, 0) << asked.output;
}

bool holds_all(const std::string& dsn) {
  return becomes(dsn, "SELECT count(*) FROM recorder_seen", std::to_string(kEvents));
}

TEST(RebuildOfSeveralHosts, ReachesTheirIdlePartitions) {
  const std::string dsn = store_with_things();
  WorkerGroup workers(dsn, 2, {"recorder"}, "[projection.recorder]\npartitions = 2\n");
  workers.start(0);
  workers.start(1);
  ASSERT_TRUE(holds_all(dsn)) << workers.logs();
  ASSERT_NO_FATAL_FAILURE(request_rebuild(workers[0], "recorder"));
  EXPECT_TRUE(becomes(dsn, "SELECT epoch FROM projector_projections", "2")) << workers.logs();
  EXPECT_TRUE(holds_all(dsn)) << workers.logs();
  EXPECT_TRUE(workers.caught_up()) << workers.logs();
}

TEST(RebuildOfSeveralHosts, IsServedBeforeAJobCountsAsCaughtUp) {
  const std::string dsn = store_with_things();
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.write_projection_file("recorder", "[projection.recorder]\n");
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  ASSERT_TRUE(holds_all(dsn));
  query_value(dsn, "UPDATE recorder_seen SET global_position = -global_position");
  ASSERT_NO_FATAL_FAILURE(request_rebuild(host, "recorder"));
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  EXPECT_EQ(value_or_nothing(dsn, "SELECT count(*) || ' ' || min(global_position) FROM recorder_seen"),
            fmt::format("{} 1", kEvents));
  EXPECT_EQ(value_or_nothing(dsn, "SELECT epoch || ' ' || rebuild_requested FROM projector_projections"), "2 0");
}

TEST(RebuildOfSeveralHosts, OfANewerPluginIsDoneBeforeAJobCountsAsCaughtUp) {
  const std::string dsn = store_with_things();
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.write_projection_file("recorder", "[projection.recorder]\nrebuild = \"automatic\"\n");
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  host.install_file(std::filesystem::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / "rebuild" / "recorder.so", "recorder");
  query_value(dsn, "UPDATE recorder_seen SET global_position = -global_position");
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  EXPECT_EQ(value_or_nothing(dsn, "SELECT count(*) || ' ' || min(global_position) FROM recorder_seen"),
            fmt::format("{} 1", kEvents));
}

} // namespace
} // namespace projector::test
