#include "host_test.hpp"

#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace projector::test {
namespace {

TEST(Host, UntilCaughtUpEndsWithEveryReadModelRight) {
  const std::string dsn = store_with_events(1000);
  HostProcess host(dsn);
  for (const char* plugin : {"user_counter", "revenue", "activity_log"}) {
    host.install_plugin(plugin);
  }
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  for (const char* plugin : {"user_counter", "revenue", "activity_log"}) {
    EXPECT_EQ(read_model_difference(dsn, plugin, plugin), 0) << plugin;
  }
}

TEST(Host, APluginDroppedInStartsFromTheFirstEventWhileTheOthersRunOn) {
  const std::string dsn = store_with_events(300);
  HostProcess host(dsn);
  host.install_plugin("user_counter");
  host.start();
  ASSERT_TRUE(becomes(dsn, state_of("user_counter"), "live")) << host.log();
  const std::string thread = query_value(dsn, "SELECT thread FROM projector_workers WHERE name = 'user_counter'");
  host.install_plugin("recorder");
  ASSERT_TRUE(becomes(dsn, state_of("recorder"), "live")) << host.log();
  EXPECT_EQ(read_model_difference(dsn, "recorder", "recorder"), 0);
  EXPECT_EQ(query_value(dsn, "SELECT thread FROM projector_workers WHERE name = 'user_counter'"), thread);
  EXPECT_EQ(host.stop(), 0);
  EXPECT_EQ(query_value(dsn, "SELECT count(*) FROM projector_workers"), "0");
}

TEST(Host, SeveralProjectionsShareOnePluginWithCheckpointsAndTablesOfTheirOwn) {
  const std::string dsn = store_with_events(100);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.write_projection_file("two", "[projection.first]\nplugin = \"recorder\"\n[projection.second]\nplugin = "
                                    "\"recorder\"\nbatch_size = 3\ncheckpoint = \"other\"\n");
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  EXPECT_EQ(read_model_difference(dsn, "recorder", "first"), 0);
  EXPECT_EQ(read_model_difference(dsn, "recorder", "second"), 0);
  EXPECT_EQ(
      query_value(dsn, "SELECT string_agg(projection_name, ',' ORDER BY projection_name) FROM projection_checkpoints"),
      "first,other");
}

TEST(Host, AFailingProjectionStopsAloneWithItsReason) {
  const std::string dsn = store_with_events(200);
  HostProcess host(dsn);
  host.install_plugin("user_counter");
  host.install_plugin("handle_throws");
  host.install_plugin("setup_fails");
  host.install_plugin("create_fails");
  host.start();
  for (const char* name : {"handle_throws", "setup_fails", "create_fails"}) {
    EXPECT_TRUE(becomes(dsn, state_of(name), "failed")) << name << host.log();
    EXPECT_NE(query_value(dsn, reason_of(name)), "") << name;
  }
  EXPECT_TRUE(becomes(dsn, state_of("user_counter"), "live")) << host.log();
  EventWriters(dsn, {.writers = 2, .events = 100, .seed = 9}).join();
  EXPECT_TRUE(eventually([&] { return read_model_difference(dsn, "user_counter", "user_counter") == 0; }))
      << host.log();
  EXPECT_EQ(host.stop(), 0);
}

TEST(Host, ARejectedEventIsNarrowedDownAndNamed) {
  const std::string dsn = store_with_events(0);
  query_value(dsn, "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                   "event_type, payload) SELECT 's', 'Order', i::text, 1, gen_random_uuid(), 'OrderPlaced', "
                   "convert_to(CASE WHEN i = 37 THEN '{\"amount\":\"lots\"}' ELSE '{\"amount\":\"1.10\",\"currency\":"
                   "\"EUR\"}' END, 'UTF8') FROM generate_series(1, 60) i");
  HostProcess host(dsn);
  host.install_plugin("revenue");
  host.start();
  ASSERT_TRUE(becomes(dsn, state_of("revenue"), "failed")) << host.log();
  const auto reason = query_value(dsn, reason_of("revenue"));
  EXPECT_NE(reason.find("event at position 37 (OrderPlaced of Order 37) was rejected"), std::string::npos) << reason;
  EXPECT_EQ(query_value(dsn, "SELECT position FROM projector_checkpoints WHERE name = 'revenue'"), "36");
  EXPECT_EQ(query_value(dsn, "SELECT amount FROM revenue_totals"), "39.60");
  EXPECT_EQ(host.stop(), 0);
}

TEST(Host, BadPluginFilesAreRefusedWithTheirReason) {
  const std::string dsn = store_with_events(10);
  HostProcess host(dsn);
  for (const char* plugin : {"bad_name", "no_symbol", "newer_host", "null_handle", "unknown_flags", "size_zero",
                             "size_huge", "needs_missing_symbol"}) {
    host.install_plugin(plugin);
  }
  const auto truncated = host.plugin_directory() / "truncated.so";
  std::filesystem::copy_file(PROJECTOR_TEST_PLUGIN_DIR "/user_counter.so", truncated);
  std::filesystem::resize_file(truncated, 3000);
  host.install_plugin("user_counter");
  host.start();
  EXPECT_TRUE(becomes(dsn, state_of("user_counter"), "live")) << host.log();
  EXPECT_TRUE(becomes(dsn, "SELECT count(*) FROM projector_workers WHERE state = 'refused' AND reason <> ''", "9"))
      << query_value(dsn, "SELECT string_agg(name || ': ' || state || ' ' || reason, E'\\n') FROM projector_workers");
  EXPECT_EQ(host.stop(), 0);
}

TEST(Host, AnEventStoreThatCannotBeReadSafelyEndsWithTheCure) {
  const std::string dsn = store_with_events(0);
  query_value(dsn, "ALTER SEQUENCE events_global_position_seq CACHE 20");
  HostProcess host(dsn);
  EXPECT_EQ(host.run({}), 1);
  EXPECT_TRUE(host.logs("CACHE 1")) << host.log();
}

TEST(Host, AWrongConfigurationEndsWithTwoAndEveryProblem) {
  HostProcess host("host=/nowhere", "[feed]\nmemory = 5\n[read_model]\npool_sizes = 4\n");
  EXPECT_EQ(host.run({}), 2);
  EXPECT_TRUE(host.logs("memory")) << host.log();
  EXPECT_TRUE(host.logs("pool_size")) << host.log();
}

TEST(Host, ASecondSignalEndsAtOnceAndTheFirstWaitsForTheBatch) {
  const std::string dsn = store_with_events(5);
  HostProcess host(dsn);
  host.install_plugin("user_counter");
  const auto held = host.state_directory().string() + ".held";
  host.start({}, {{"PROJECTOR_TEST_POINT", "before_commit=signal:" + held}});
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(held); })) << host.log();
  host.signal(SIGTERM);
  ASSERT_TRUE(host.logs("stopping")) << host.log();
  EXPECT_TRUE(host.running());
  host.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !host.running(); })) << host.log();
  EXPECT_EQ(host.wait(), 128 + SIGTERM);
  EXPECT_EQ(query_value(dsn, "SELECT position FROM projector_checkpoints"), "0");
}

TEST(Host, SurvivesARestartOfTheServer) {
  PrivatePostgres server;
  const std::string dsn = server.create_database();
  create_event_store(dsn);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.install_plugin("activity_log");
  host.start();
  ASSERT_TRUE(becomes(dsn, state_of("recorder"), "live")) << host.log();
  ASSERT_TRUE(becomes(dsn, state_of("activity_log"), "live")) << host.log();
  server.restart();
  EventWriters(dsn, {.writers = 2, .events = 200, .seed = 13}).join();
  EXPECT_TRUE(eventually([&] { return read_model_difference(dsn, "recorder", "recorder") == 0; })) << host.log();
  EXPECT_TRUE(eventually([&] { return read_model_difference(dsn, "activity_log", "activity_log") == 0; }))
      << host.log();
  EXPECT_EQ(host.stop(), 0);
}

TEST(Host, AMirroredCheckpointMovedBySomebodyElseIsRefused) {
  const std::string dsn = store_with_events(50);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  query_value(dsn, "UPDATE projection_checkpoints SET last_global_position = 3 RETURNING 1");
  host.start();
  EXPECT_TRUE(becomes(dsn, state_of("recorder"), "refused")) << host.log();
  EXPECT_NE(query_value(dsn, reason_of("recorder")).find("was moved by another program"), std::string::npos);
}

TEST(Host, TwoHostsOnOneProjectionCommitEachEventOnce) {
  const std::string dsn = store_with_events(0);
  HostProcess first(dsn);
  HostProcess second(dsn);
  for (HostProcess* host : {&first, &second}) {
    host->install_plugin("recorder");
    host->write_projection_file("recorder", "[projection.recorder]\nbatch_size = 5\nrestart_interval = \"1s\"\n");
    host->start();
  }
  EventWriters(dsn, {.writers = 3, .events = 2000, .seed = 17}).join();
  EXPECT_TRUE(eventually([&] { return read_model_difference(dsn, "recorder", "recorder") == 0; }))
      << first.log() << second.log();
  EXPECT_EQ(first.stop(), 0);
  EXPECT_EQ(second.stop(), 0);
  EXPECT_EQ(read_model_difference(dsn, "recorder", "recorder"), 0);
}

} // namespace
} // namespace projector::test
