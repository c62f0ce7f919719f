#pragma once

#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/seed_worker.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace projector::control {

/// A projection "things" of the recorder on a database that workers of the seed library have kept so far.
class AdoptCommand : public ::testing::Test {
protected:
  AdoptCommand() : AdoptCommand(test::PrivatePostgres::shared()) {}
  void configure(std::uint32_t partitions) {
    host_.write_projection_file(
        "things", fmt::format("[projection.things]\nplugin = \"recorder\"\npartitions = {}\n", partitions));
  }
  [[nodiscard]] test::Finished ctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), PROJECTOR_TEST_BIN_DIR "/projectorctl");
    arguments.insert(arguments.end(), {"--config", host_.configuration_file().string()});
    return test::run_program(arguments);
  }
  [[nodiscard]] test::Finished adopt(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all{"adopt", "things"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return ctl(all);
  }
  std::string value(const std::string& sql) const { return test::query_value(dsn_, sql); }
  void add_events(int n) const {
    value(fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                      "event_type, payload) SELECT 'test', 'thing', 'a' || n % 41, nextval('version'), "
                      "gen_random_uuid(), 'Happened', '' FROM generate_series(1, {}) n",
                      n));
  }
  void run_seed(std::uint32_t partitions, const std::vector<std::uint32_t>& ids) const {
    for (const auto id : ids) {
      test::SeedWorker(dsn_, "things", id, partitions).run_until_caught_up();
    }
  }
  /// Whether the started host makes its tables and shows this state within the time that `eventually` waits.
  [[nodiscard]] bool shows_state(const std::string& state) const {
    return test::eventually([&] {
      return value("SELECT to_regclass('projector_workers')") != "" &&
             value("SELECT state FROM projector_workers") == state;
    });
  }
  void run_host() { ASSERT_EQ(host_.run({"--until-caught-up", "--timeout", "60s"}), 0) << host_.log(); }
  [[nodiscard]] std::string mirrored() const {
    return value(
        "SELECT string_agg(projection_name || ' ' || last_global_position, ', ' ORDER BY projection_name) FROM "
        "projection_checkpoints");
  }
  /// "events lost, events handled twice", by either program.
  [[nodiscard]] std::string lost_and_doubled() const {
    return value("WITH handled AS (SELECT global_position FROM things_seen UNION ALL SELECT global_position FROM "
                 "seed_seen) SELECT (SELECT count(*) FROM events WHERE global_position NOT IN (SELECT * FROM handled)) "
                 "|| ' ' || (SELECT count(*) - count(DISTINCT global_position) FROM handled)");
  }

  explicit AdoptCommand(test::PrivatePostgres& server) : dsn_(server.create_database()) {
    test::create_event_store(dsn_);
    value("CREATE SEQUENCE version");
    host_.install_plugin("recorder");
    configure(1);
  }
  /// A transaction that has drawn the next position and inserted its event, and is not committed yet.
  [[nodiscard]] std::unique_ptr<pg::Connection> event_in_flight() const {
    auto writer = std::make_unique<pg::Connection>(pg::ConnectOptions{.dsn = dsn_, .settings = {}}, base::no_stop());
    writer->script("BEGIN");
    writer->script("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                   "event_type, payload) VALUES ('test', 'thing', 'late', 1, gen_random_uuid(), 'Happened', '')");
    return writer;
  }

  std::string dsn_;
  test::HostProcess host_{dsn_};
};

} // namespace projector::control
