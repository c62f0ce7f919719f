#include "host_test.hpp"

#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>

namespace projector::test {
namespace {

constexpr const char* kHeartbeat = "SELECT max(heartbeat) FROM projector_workers";

/// What must go on while something holds the plugin files up: heartbeats, a change of a file, and the end.
void expect_to_go_on(HostProcess& host, const std::string& dsn) {
  const auto heartbeat = query_value(dsn, kHeartbeat);
  EXPECT_TRUE(eventually([&] { return query_value(dsn, kHeartbeat) != heartbeat; })) << "no heartbeat";
  host.write_projection_file("recorder", "[projection.recorder]\nenabled = false\n");
  EXPECT_TRUE(becomes(dsn, "SELECT count(*) FROM projector_workers WHERE name = 'recorder'", "0")) << host.log();
  host.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !host.running(); })) << host.log();
  EXPECT_EQ(host.wait(), 0);
  EXPECT_TRUE(host.logs("ended after ")) << host.log();
}

TEST(PluginFiles, ADestroyThatNeverReturnsHoldsUpNeitherHeartbeatsNorChangesNorTheEnd) {
  const std::string dsn = store_with_events(20);
  HostProcess host(dsn);
  const auto held = host.state_directory() / "slow_end" / "held";
  host.install_plugin("slow_end");
  host.install_plugin("recorder");
  host.start();
  ASSERT_TRUE(becomes(dsn, state_of("slow_end"), "live")) << host.log();
  ASSERT_TRUE(becomes(dsn, state_of("recorder"), "live")) << host.log();
  host.install_file(PROJECTOR_TEST_BROKEN_PLUGIN_DIR "/v2/slow_end.so", "slow_end");
  ASSERT_TRUE(host.logs("generation 2 of")) << host.log();
  EventWriters(dsn, {.writers = 2, .events = 100, .seed = 9}).join();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(held); })) << host.log();
  expect_to_go_on(host, dsn);
  EXPECT_TRUE(std::filesystem::exists(held)) << "the process was killed";
  EXPECT_TRUE(host.logs("slow_end: its process did not return from destroy within 5s, and was killed")) << host.log();
}

TEST(PluginFiles, ACopyThatTakesLongHoldsUpNeitherHeartbeatsNorChangesNorTheEnd) {
  const std::string dsn = store_with_events(20);
  HostProcess host(dsn);
  const auto held = host.state_directory().string() + ".held";
  host.install_plugin("recorder");
  host.start({}, {{"PROJECTOR_TEST_POINT", "plugin_copied@2=signal:" + held}});
  ASSERT_TRUE(becomes(dsn, state_of("recorder"), "live")) << host.log();
  host.install_plugin("noop");
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(held); })) << host.log();
  EXPECT_TRUE(becomes(dsn, state_of("noop"), "starting")) << host.log();
  expect_to_go_on(host, dsn);
  std::filesystem::remove(held);
}

} // namespace
} // namespace projector::test
