#include "control_database.hpp"

#include "control/status.hpp"
#include "control/status_text.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace projector::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class StatusTest : public ControlDatabase {
protected:
  /// Writes the rows of a projection that has run, with a checkpoint for each position.
  void store(const std::string& name, std::uint32_t partitions, const std::vector<std::int64_t>& positions) {
    connection_.exec(
        "INSERT INTO projector_projections (checkpoint, projection, plugin, partitions, read_model_version, "
        "store) VALUES ($1, $1, $1, $2, 1, 'store')",
        pg::Parameters{}.text(name, 25).int4(static_cast<std::int32_t>(partitions)));
    for (std::size_t k = 0; k < positions.size(); ++k) {
      connection_.exec(
          "INSERT INTO projector_checkpoints (name, checkpoint, partition, position) VALUES ($1, $2, $3, $4)",
          pg::Parameters{}
              .text(partitions == 1 ? name : name + "_p" + std::to_string(k))
              .text(name)
              .int8(static_cast<std::int64_t>(k))
              .int8(positions[k]));
    }
  }

  void report(const std::string& values, const std::string& age = "0 s") {
    connection_.exec(
        "INSERT INTO projector_workers (name, projection, partition, partitions, state, reason, host, plugin, "
        "plugin_version, generation, thread, handled, heartbeat) VALUES (" +
        values + ", now() - interval '" + age + "')");
  }

  Status gather() { return gather_status(loaded_, base::no_stop()); }
  json gather_json() { return json::parse(status_json(gather())); }
};

TEST_F(StatusTest, WithoutTablesConfiguredProjectionsAreStopped) {
  add_projection("orders", 2);
  const auto status = gather();
  EXPECT_FALSE(status.tables_present);
  EXPECT_THAT(status_text(status), HasSubstr("nothing has run here yet"));
  ASSERT_EQ(status.partitions.size(), 2U);
  EXPECT_EQ(status.partitions[1].checkpoint, "orders_p1");
  EXPECT_EQ(status.partitions[1].state, "stopped");
  EXPECT_EQ(status.event_store.last_position, std::nullopt);
  EXPECT_THAT(status.event_store.trouble, HasSubstr("the event store has no table events"));
}

TEST_F(StatusTest, TablesOfAnEarlierVersionAreShownWithTheirCure) {
  apply();
  add_projection("revenue");
  store("revenue", 1, {1});
  connection_.script(
      "ALTER TABLE projector_stores DROP COLUMN marks; ALTER TABLE projector_projections DROP COLUMN autostarted");
  const auto before = gather();
  EXPECT_EQ(before.partitions.size(), 1U);
  EXPECT_EQ(before.partitions.at(0).position, 1) << "what the tables hold is shown all the same";
  EXPECT_THAT(status_text(before), HasSubstr("lack columns that this version keeps: projector_projections.autostarted, "
                                             "projector_stores.marks; run \"projectorctl schema apply\""));
  apply();
  EXPECT_THAT(status_text(gather()), Not(HasSubstr("lack columns")));
}

TEST_F(StatusTest, ALivePartitionInFull) {
  apply();
  append("60 s");
  append("40 s");
  append("20 s");
  add_projection("revenue");
  store("revenue", 1, {1});
  report("'revenue', 'revenue', 0, 1, 'live', '', 'db1/4711', 'revenue', '1.2.0', 3, 4712, 998", "1 s");
  connection_.exec("UPDATE projector_workers SET process = 5812, restarts = 2, private_bytes = 4096, cpu_ms = 1500");
  auto status = gather_json();
  ASSERT_EQ(status["projections"].size(), 1U);
  auto& row = status["projections"][0];
  EXPECT_GE(row["behind_seconds"], 40.0);
  EXPECT_LT(row["behind_seconds"], 60.0);
  EXPECT_GE(row["heartbeat_age_seconds"], 1.0);
  EXPECT_LT(row["heartbeat_age_seconds"], 5.0);
  row.erase("behind_seconds");
  row.erase("heartbeat_age_seconds");
  EXPECT_EQ(status, json::parse(R"({"event_store": {"last_position": 3}, "projections": [
    {"projection": "revenue", "partition": 0, "partitions": 1, "checkpoint": "revenue", "state": "live", "reason": "",
     "position": 1, "lag": 2, "host": "db1/4711", "plugin": "revenue", "plugin_version": "1.2.0", "generation": 3,
     "thread": 4712, "process": 5812, "restarts": 2, "private_bytes": 4096, "cpu_seconds": 1.5,
     "handled": 998, "other_hosts": []}]})"));
}

TEST_F(StatusTest, WhoHasCaughtUpIsNotBehind) {
  apply();
  append("60 s");
  store("at_end", 1, {1});
  store("at_start", 1, {0});
  store("beyond", 1, {7});
  const auto status = gather_json();
  const auto& rows = status["projections"];
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["lag"], 0);
  EXPECT_EQ(rows[0]["behind_seconds"], 0.0);
  EXPECT_EQ(rows[1]["lag"], 1);
  EXPECT_GE(rows[1]["behind_seconds"], 60.0);
  EXPECT_EQ(rows[2]["lag"], 0);
  EXPECT_EQ(rows[2]["behind_seconds"], 0.0);
}

TEST_F(StatusTest, AnEmptyStoreHasLastPositionZero) {
  apply();
  store("x", 1, {0});
  const auto status = gather_json();
  EXPECT_EQ(status["event_store"], json::parse(R"({"last_position": 0})"));
  EXPECT_EQ(status["projections"][0]["lag"], 0);
  EXPECT_EQ(status["projections"][0]["behind_seconds"], 0.0);
}

TEST_F(StatusTest, ALagOfManyEventsIsCountedInPositions) {
  apply();
  append("10 s");
  connection_.exec("SELECT setval('events_global_position_seq', 1000)");
  append("5 s");
  store("x", 1, {1});
  EXPECT_EQ(gather_json()["projections"][0]["lag"], 1000);
}

TEST_F(StatusTest, AHostThatShowsNoLifeIsStopped) {
  apply();
  store("x", 1, {0});
  report("'x', 'x', 0, 1, 'live', '', 'dead/1', 'x', '1', 1, 5, 0", "10 minutes");
  const auto row = gather_json()["projections"][0];
  EXPECT_EQ(row["state"], "stopped");
  EXPECT_EQ(row["host"], "dead/1");
  EXPECT_THAT(row["reason"].get<std::string>(),
              testing::MatchesRegex("host dead/1 has sent no heartbeat for 60[0-9] s"));
}

TEST_F(StatusTest, PartitionsThatNobodyRunsAreNamed) {
  apply();
  add_projection("orders", 3);
  store("orders", 3, {4, 5});
  report("'orders_p1', 'orders', 1, 3, 'catching_up', '', 'a/1', 'orders', '1', 1, 5, 0");
  const auto status = gather_json();
  const auto& rows = status["projections"];
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["state"], "stopped");
  EXPECT_EQ(rows[0]["reason"], "no host runs it");
  EXPECT_EQ(rows[0]["host"], nullptr);
  EXPECT_EQ(rows[0]["position"], 4);
  EXPECT_EQ(rows[1]["state"], "catching_up");
  EXPECT_EQ(rows[1]["host"], "a/1");
  EXPECT_EQ(rows[2]["checkpoint"], "orders_p2");
  EXPECT_EQ(rows[2]["position"], nullptr);
}

TEST_F(StatusTest, WhatAHostCannotStartIsShownAsItSays) {
  apply();
  add_projection("orders", 2);
  report("'orders', 'orders', 0, 2, 'missing', 'no plugin directory holds orders.so', 'a/1', 'orders', '', 0, 0, 0");
  const auto status = gather_json();
  ASSERT_EQ(status["projections"].size(), 2U);
  for (const auto& row : status["projections"]) {
    EXPECT_EQ(row["state"], "missing");
    EXPECT_EQ(row["reason"], "no plugin directory holds orders.so");
    EXPECT_EQ(row["position"], nullptr);
  }
}

TEST_F(StatusTest, AutostartedPluginsAreExpectedToo) {
  apply();
  const auto plugins = directory_.path() / "plugins";
  std::filesystem::create_directory(plugins);
  std::ofstream(plugins / "dropped.so") << "not looked into";
  EXPECT_EQ(gather_json()["projections"].size(), 0U);
  configuration().plugins.autostart = {plugins};
  const auto status = gather_json();
  ASSERT_EQ(status["projections"].size(), 1U);
  EXPECT_EQ(status["projections"][0]["projection"], "dropped");
  EXPECT_EQ(status["projections"][0]["reason"], "no host runs it");
}

TEST_F(StatusTest, ReadsTwoDatabases) {
  apply();
  append();
  store("x", 1, {0});
  configuration().event_store.dsn = test::PrivatePostgres::shared().create_database();
  apply_schema(schema_of(configuration(), "").front(), base::no_stop());
  const auto status = gather();
  EXPECT_EQ(status.event_store.last_position, 0);
  EXPECT_EQ(status.partitions.at(0).position, 0);
  EXPECT_EQ(status.partitions.at(0).lag, 0);
}

TEST_F(StatusTest, AStoreThatCannotBeReachedLeavesTheRest) {
  apply();
  store("x", 1, {1});
  configuration().event_store.dsn = "host=" + directory_.path().string() + " password=hunter2 user=nobody";
  const auto status = gather();
  EXPECT_EQ(status.partitions.at(0).position, 1);
  EXPECT_EQ(status.partitions.at(0).lag, std::nullopt);
  EXPECT_NE(status.event_store.trouble, "");
  EXPECT_EQ((status_text(status) + status_json(status)).find("hunter2"), std::string::npos);
}

/// Runs the printed cures.
TEST_F(StatusTest, AMissingGrantIsNamedAndCuresIt) {
  apply();
  append();
  store("x", 1, {0});
  const std::string dsn = create_role();
  const auto cure = [](const std::string& text) {
    const auto begin = text.find("GRANT ");
    return begin == std::string::npos ? std::string() : text.substr(begin, text.find(" as ", begin) - begin);
  };
  configuration().read_model.dsn = dsn;
  std::string said;
  try {
    gather();
  } catch (const pg::Error& error) {
    said = error.what();
  }
  EXPECT_THAT(said, HasSubstr("; run GRANT SELECT ON public.projector_projections, public.projector_checkpoints, "
                              "public.projector_workers TO " +
                              role_ + " as their owner"));
  connection_.exec(cure(said));
  EXPECT_EQ(gather().partitions.size(), 1u);
  configuration().event_store.dsn = dsn;
  const auto trouble = gather().event_store.trouble;
  EXPECT_THAT(trouble, HasSubstr("; run GRANT SELECT ON events TO " + role_ + " as its owner"));
  connection_.exec(cure(trouble));
  EXPECT_EQ(gather().event_store.trouble, "");
}

} // namespace
} // namespace projector::control
