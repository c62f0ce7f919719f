#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/pgbouncer.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace projector::test {
namespace {

using testing::HasSubstr;

constexpr const char* kSettings =
    "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE source = 'session'";

/// All commands that only query, with both DSNs behind a pooler that has a single server session.
class Pooler : public testing::Test {
protected:
  Pooler() { create_event_store(direct_); }
  /// What `projectorctl ARGUMENTS` did; after it an application writes through the same pooler.
  Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PROJECTOR_TEST_BIN_DIR "/projectorctl");
    arguments.insert(arguments.end(), {"--config", host_.configuration_file().string()});
    const auto finished = run_program(arguments);
    EXPECT_EQ(query_value(pooled_, kSettings), before_) << arguments[1] << finished.output;
    EXPECT_NO_THROW(query_value(pooled_, "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, "
                                         "aggregate_version, event_id, event_type, payload) SELECT 's', 'Order', "
                                         "gen_random_uuid()::text, 1, gen_random_uuid(), 'OrderPlaced', '{}'"))
        << arguments[1];
    return finished;
  }

  const std::string direct_ = PrivatePostgres::shared().create_database();
  PgBouncer pooler_{PrivatePostgres::shared()};
  const std::string pooled_ = pooler_.dsn_for(direct_);
  const std::string before_ = query_value(pooled_, kSettings);
  HostProcess host_{pooled_};
};

TEST_F(Pooler, StatusLeavesNothingInTheSessionsOfOthers) {
  EXPECT_EQ(run({"status"}).code, 0);
}

TEST_F(Pooler, SchemaApplyLeavesNothingInTheSessionsOfOthers) {
  EXPECT_EQ(run({"schema", "apply"}).code, 0);
  EXPECT_EQ(run({"status"}).code, 0);
}

TEST_F(Pooler, CheckLeavesNothingInTheSessionsOfOthersAndSaysThatTheStoreNeedsADirectConnection) {
  const auto check = run({"check", "--connect"});
  EXPECT_EQ(check.code, 1);
  EXPECT_THAT(check.output, HasSubstr("event_store.dsn leads through a connection pooler"));
}

TEST_F(Pooler, RebuildLeavesNothingInTheSessionsOfOthers) {
  host_.install_plugin("recorder");
  run({"rebuild", "recorder"});
}

TEST_F(Pooler, AHostIsRefusedAndLeavesNothingInTheSessionsOfOthers) {
  EXPECT_EQ(host_.run({}), 1);
  EXPECT_THAT(host_.log(), HasSubstr("event_store.dsn leads through a connection pooler"));
  run({"status"});
}

TEST_F(Pooler, TheReadModelMayBeBehindIt) {
  HostProcess host(direct_, fmt::format("[read_model]\ndsn = \"{}\"\n", pooled_));
  host.install_plugin("recorder");
  EventWriters(direct_, {.writers = 2, .events = 500, .seed = 8}).join();
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  EXPECT_EQ(read_model_difference(direct_, "recorder", "recorder"), 0);
  EXPECT_EQ(query_value(pooled_, kSettings), before_);
}

/// The read model behind a pooler whose client connections outlive the server.
TEST(PooledReadModel, AnEventThatTheServersCrashTookBackIsNotCommitted) {
  // No heartbeat may flush what the crash is to take back.
  PrivatePostgres server({{"wal_writer_delay = 10s", "synchronous_commit = off", "restart_after_crash = on"}, false});
  const PgBouncer pooler(server);
  const std::string dsn = server.create_database();
  create_event_store(dsn);
  HostProcess host(dsn, fmt::format("[read_model]\ndsn = \"{}\"\nprepared_statements = false\n", pooler.dsn_for(dsn)));
  host.install_plugin("recorder");
  const auto insert = [&](const std::string& id) {
    query_value(dsn, fmt::format("WITH asynchronous AS (SELECT set_config('synchronous_commit', 'off', false)) INSERT "
                                 "INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, "
                                 "event_id, event_type, payload) SELECT 's', 'Order', '{}', 1, gen_random_uuid(), "
                                 "'OrderPlaced', '{{}}' FROM asynchronous",
                                 id));
  };
  insert("first");
  const auto held = host.state_directory().parent_path() / "held";
  host.start({}, {{"PROJECTOR_TEST_POINT", "after_handle@2=signal:" + held.string()}});
  ASSERT_TRUE(eventually([&] {
    try {
      return read_model_difference(dsn, "recorder", "recorder") == 0;
    } catch (const std::exception&) {
      return false;
    }
  })) << host.log();
  query_value(dsn, "CHECKPOINT");
  insert("lost in the crash");
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(held); })) << host.log();
  server.crash_restart();
  ASSERT_EQ(query_value(dsn, "SELECT count(*) FROM events"), "1") << "the crash was to take one back";
  std::filesystem::remove(held);
  insert("in its place");
  EXPECT_TRUE(eventually([&] {
    return query_value(dsn, "SELECT count(*) FROM recorder_seen") == "2" &&
           read_model_difference(dsn, "recorder", "recorder") == 0;
  })) << host.log();
  EXPECT_EQ(host.stop(), 0);
}

} // namespace
} // namespace projector::test
