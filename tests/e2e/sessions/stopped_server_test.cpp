#include "stopped_processes.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include "pg/connection.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace projector::test {
namespace {

/// Long enough for the grace of 5 s and what is written last, on a busy machine.
constexpr std::chrono::seconds kEnd(20);

TEST(StoppedServer, ABatchThatWaitsForItDoesNotKeepTheHostFromEnding) {
  PrivatePostgres server;
  const std::string dsn = server.create_database();
  create_event_store(dsn);
  EventWriters(dsn, {.writers = 1, .events = 10, .seed = 3}).join();
  HostProcess host(dsn);
  host.install_plugin("recorder");
  host.start();
  ASSERT_TRUE(eventually([&] {
    return query_value(dsn, "SELECT to_regclass('recorder_seen')") != "" &&
           read_model_difference(dsn, "recorder", "recorder") == 0;
  })) << host.log();
  pg::Connection locking({.dsn = dsn, .settings = {}}, base::no_stop());
  locking.script("BEGIN; LOCK TABLE recorder_seen");
  EventWriters(dsn, {.writers = 1, .events = 10, .seed = 4}).join();
  ASSERT_TRUE(eventually([&] {
    return query_value(dsn, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                            "application_name LIKE 'projectord%'") == "1";
  })) << host.log();
  const StoppedProcesses stopped(server.pid());
  host.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return !host.running(); }, kEnd)) << host.log();
  host.kill();
}

} // namespace
} // namespace projector::test
