#include "host_test.hpp"

#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>
#include <string>

namespace projector::test {
namespace {

using testing::HasSubstr;

/// The line of /proc/PID/limits that begins so.
std::string limit_of(pid_t pid, const std::string& name) {
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  for (std::string line; std::getline(limits, line);) {
    if (line.starts_with(name)) {
      return line;
    }
  }
  return "";
}

TEST(Limits, AProjectionThatTakesTooManyDescriptorsIsRefusedAndTheOthersRunOn) {
  const std::string dsn = store_with_events(50);
  HostProcess host(dsn);
  host.limit(RLIMIT_NOFILE, 256, 256);
  host.install_plugin("recorder");
  host.install_plugin("noop");
  host.write_projection_file("recorder", "[projection.recorder]\n");
  host.start();
  ASSERT_TRUE(becomes(dsn, state_of("recorder"), "live")) << host.log();
  host.write_projection_file("many", "[projection.many]\nplugin = \"noop\"\npartitions = 400\n");
  ASSERT_TRUE(becomes(dsn, state_of("many"), "refused")) << host.log();
  const auto reason = query_value(dsn, reason_of("many"));
  EXPECT_THAT(reason, HasSubstr("its 400 partitions take 2000 descriptors, 400 threads and 400 processes"));
  EXPECT_THAT(reason, HasSubstr("this process may open 256 descriptors"));
  EXPECT_THAT(reason, HasSubstr("LimitNOFILE="));
  EventWriters(dsn, {.writers = 2, .events = 100, .seed = 9}).join();
  EXPECT_TRUE(eventually([&] { return read_model_difference(dsn, "recorder", "recorder") == 0; })) << host.log();
  host.write_projection_file("many", "[projection.many]\nplugin = \"noop\"\npartitions = 4\n");
  EXPECT_TRUE(becomes(dsn, "SELECT count(*) FROM projector_workers WHERE projection = 'many' AND state = 'live'", "4"))
      << host.log();
  EXPECT_EQ(host.stop(), 0) << host.log();
}

TEST(Limits, TheSoftLimitOfDescriptorsIsRaisedToTheHardOne) {
  const std::string dsn = store_with_events(0);
  HostProcess host(dsn);
  host.limit(RLIMIT_NOFILE, 64, 1000);
  host.start();
  ASSERT_TRUE(host.logs("runs as")) << host.log();
  std::istringstream words(limit_of(host.pid(), "Max open files"));
  std::string word, soft, hard;
  words >> word >> word >> word >> soft >> hard;
  EXPECT_EQ(soft, "1000");
  EXPECT_EQ(hard, "1000");
  EXPECT_EQ(host.stop(), 0) << host.log();
}

TEST(Limits, AProjectionWithoutAThreadForEachPartitionIsRefusedAndTriedAgain) {
  const std::string dsn = store_with_events(50);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.install_plugin("noop");
  host.write_projection_file("two", "[projection.recorder]\n[projection.noop]\npartitions = 5\n");
  // Of six workers, all that are made before the other projection's.
  host.start({}, {{"PROJECTOR_TEST_POINT", "worker_thread@3=fail:EAGAIN"}});
  ASSERT_TRUE(host.logs(
      "noop: refused: its 5 partitions take 25 descriptors, 5 threads and 5 processes, and only 2 could start: "
      "Resource temporarily unavailable"))
      << host.log();
  EXPECT_TRUE(host.logs("TasksMax="));
  EXPECT_TRUE(becomes(dsn, state_of("recorder"), "live")) << host.log();
  EXPECT_TRUE(becomes(dsn, "SELECT count(*) FROM projector_workers WHERE projection = 'noop' AND state = 'live'", "5"))
      << host.log();
  EXPECT_EQ(host.stop(), 0) << host.log();
}

TEST(Limits, AReplacementWithoutAThreadForEachPartitionBringsTheGoodGenerationBack) {
  const std::string dsn = store_with_events(50);
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.write_projection_file("recorder", "[projection.recorder]\npartitions = 2\n");
  host.start({}, {{"PROJECTOR_TEST_POINT", "worker_thread@4=fail:EAGAIN"}});
  ASSERT_TRUE(becomes(dsn, "SELECT count(*) FROM projector_workers WHERE state = 'live'", "2")) << host.log();
  host.install_file(PROJECTOR_TEST_BROKEN_PLUGIN_DIR "/v2/recorder.so", "recorder");
  ASSERT_TRUE(host.logs("generation 1 comes back")) << host.log();
  // Tried again by itself.
  EXPECT_TRUE(becomes(dsn, "SELECT count(*) FROM projector_workers WHERE plugin_version = '2.0.0'", "2")) << host.log();
  EXPECT_EQ(host.stop(), 0) << host.log();
  EXPECT_EQ(read_model_difference(dsn, "recorder", "recorder"), 0);
}

TEST(Limits, AnActionWithoutMemoryCostsThatProjectionOnlyAndIsTriedAgain) {
  const std::string dsn = store_with_events(50);
  HostProcess host(dsn);
  host.install_plugin("noop");
  host.install_plugin("recorder");
  host.start({}, {{"PROJECTOR_TEST_POINT", "supervisor_action@1=fail:ENOMEM"}});
  ASSERT_TRUE(host.logs("noop: refused: cannot be started: std::bad_alloc")) << host.log();
  EXPECT_TRUE(becomes(dsn, state_of("recorder"), "live")) << host.log();
  EXPECT_TRUE(becomes(dsn, state_of("noop"), "live")) << host.log();
  EXPECT_EQ(host.stop(), 0) << host.log();
}

} // namespace
} // namespace projector::test
