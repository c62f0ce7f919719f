#include "control/status_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace projector::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Status two_partitions() {
  PartitionStatus live;
  live.projection = "revenue";
  live.partitions = 12;
  live.partition = 10;
  live.checkpoint = "revenue_p10";
  live.state = "live";
  live.plugin = "sales";
  live.position = 1000;
  live.lag = 250;
  live.behind = milliseconds(3210);
  live.worker = RunningWorker{
      "db1/4711", "1.2.0", 3, 4712, 998, milliseconds(412), 5812, 1, (std::int64_t{13} << 20) / 2, milliseconds(12345)};
  PartitionStatus fresh;
  fresh.projection = "x";
  fresh.checkpoint = "x";
  fresh.state = "stopped";
  fresh.reason = "no host runs it";
  fresh.plugin = "x";
  Status status;
  status.event_store.last_position = 1250;
  status.partitions = {live, fresh};
  return status;
}

TEST(StatusText, TheTableIsAligned) {
  EXPECT_EQ(status_text(two_partitions()),
            "PROJECTION  PARTITION  STATE    POSITION  LAG  BEHIND  HOST      PID   MEMORY  CPU  RESTARTS  REASON\n"
            "revenue     10/12      live     1000      250  3.2s    db1/4711  5812  6.5M    12s  1\n"
            "x           0/1        stopped  -         -    -       -         -     -       -    -         no host "
            "runs it\n");
}

TEST(StatusText, AReasonStaysOneLineAndDoesNotReachTheTerminalsControls) {
  auto status = two_partitions();
  status.partitions.erase(status.partitions.begin());
  status.partitions[0].reason = "first\nsecond \x1b[31mred";
  EXPECT_EQ(status_text(status),
            "PROJECTION  PARTITION  STATE    POSITION  LAG  BEHIND  HOST  PID  MEMORY  CPU  RESTARTS  REASON\n"
            "x           0/1        stopped  -         -    -       -     -    -       -    -         first second  "
            "[31mred\n");
}

TEST(StatusText, AReasonIsCutToALineUnlessOneProjectionIsAskedFor) {
  auto status = two_partitions();
  status.partitions.erase(status.partitions.begin());
  status.partitions[0].reason = std::string(300, 'r') + " end";
  const auto all = status_text(status);
  EXPECT_EQ(all.find("end\n"), std::string::npos);
  EXPECT_NE(all.find("\"projectorctl status NAME\" and \"projectorctl status --json\" show reasons in full\n"),
            std::string::npos);
  const auto one = status_text(status, true);
  EXPECT_NE(one.find("\nx 0/1: " + std::string(300, 'r') + " end\n"), std::string::npos) << one;
  EXPECT_EQ(one.find("show reasons in full"), std::string::npos);
  EXPECT_NE(status_json(status).find(" end\""), std::string::npos);
}

TEST(StatusText, ARebuildThatWaitsIsARemarkWithTheCommand) {
  auto status = two_partitions();
  status.partitions[1].state = "refused";
  status.partitions[1].reason =
      "the read model of checkpoint x is of version 1, plugin x makes version 2; to rebuild it "
      "from the first event run \"projectorctl rebuild x\" or set rebuild = \"automatic\"";
  EXPECT_NE(status_text(status).find("  a rebuild waits for \"projectorctl rebuild x\": the read model of"),
            std::string::npos)
      << status_text(status);
  EXPECT_EQ(exit_code(status), 0);
}

TEST(StatusText, TheExitCodeTellsWhatFailedOrIsRefused) {
  auto status = two_partitions();
  EXPECT_EQ(exit_code(status), 0);
  for (const char* state : {"starting", "catching_up", "live", "retrying", "paused", "standby", "stopped", "missing"}) {
    status.partitions[1].state = state;
    EXPECT_EQ(exit_code(status), 0) << state;
  }
  for (const char* state : {"failed", "refused"}) {
    status.partitions[1].state = state;
    EXPECT_EQ(exit_code(status), 1) << state;
  }
  status.partitions.pop_back();
  EXPECT_EQ(exit_code(status), 0);
  status.event_store.trouble = "no server";
  EXPECT_EQ(exit_code(status), 1);
  status.tables_present = false;
  EXPECT_EQ(exit_code(status), 0) << "nothing has run yet";
}

TEST(StatusText, OneProjectionIsPickedByName) {
  auto status = two_partitions();
  EXPECT_EQ(select_projection(status, "y"),
            "y is no projection of this configuration and has never run here; known: revenue, x");
  EXPECT_EQ(status.partitions.size(), 2u);
  EXPECT_EQ(select_projection(status, "x"), "");
  ASSERT_EQ(status.partitions.size(), 1u);
  EXPECT_EQ(status.partitions[0].projection, "x");
}

TEST(StatusText, NamesOtherHostsThatWantAPartition) {
  auto status = two_partitions();
  status.partitions[1].others = {{"db2/99", "standby"}, {"db3/7", "live"}};
  EXPECT_NE(status_text(status).find(
                "no host runs it; host db2/99 is ready to run it, too (standby); host db3/7 is ready to run it, too "
                "(live)\n"),
            std::string::npos)
      << status_text(status);
}

TEST(StatusText, SaysWhenNothingHasRunHere) {
  Status status;
  status.tables_present = false;
  EXPECT_EQ(status_text(status), "nothing has run here yet: the read model's database does not have the host's tables, "
                                 "which the first start or \"projectorctl schema apply\" makes\n");
  status.tables_present = true;
  EXPECT_EQ(status_text(status), "no projection is configured, and none has run\n");
}

TEST(StatusText, SaysWhyLagIsNotKnown) {
  auto status = two_partitions();
  status.event_store = {std::nullopt, "connection refused"};
  EXPECT_EQ(status_notes(status), "the event store cannot be read, so lag is not known: connection refused\n");
  EXPECT_EQ(status_text(status).rfind(status_notes(status), 0), 0U);
}

TEST(StatusText, TheJsonHoldsEveryFieldOfAPartition) {
  const auto expected = R"({
  "event_store": {
    "last_position": 1250
  },
  "projections": [
    {
      "projection": "revenue",
      "partition": 10,
      "partitions": 12,
      "checkpoint": "revenue_p10",
      "state": "live",
      "reason": "",
      "position": 1000,
      "lag": 250,
      "behind_seconds": 3.21,
      "host": "db1/4711",
      "plugin": "sales",
      "plugin_version": "1.2.0",
      "generation": 3,
      "thread": 4712,
      "process": 5812,
      "restarts": 1,
      "private_bytes": 6815744,
      "cpu_seconds": 12.345,
      "handled": 998,
      "heartbeat_age_seconds": 0.412,
      "other_hosts": [
        {
          "host": "db2/99",
          "state": "standby"
        }
      ]
    },
    {
      "projection": "x",
      "partition": 0,
      "partitions": 1,
      "checkpoint": "x",
      "state": "stopped",
      "reason": "no host runs it",
      "position": null,
      "lag": null,
      "behind_seconds": null,
      "host": null,
      "plugin": "x",
      "plugin_version": null,
      "generation": null,
      "thread": null,
      "process": null,
      "restarts": null,
      "private_bytes": null,
      "cpu_seconds": null,
      "handled": null,
      "heartbeat_age_seconds": null,
      "other_hosts": []
    }
  ]
}
)";
  auto status = two_partitions();
  status.partitions[0].others = {{"db2/99", "standby"}};
  EXPECT_EQ(status_json(status), expected);
}

TEST(StatusText, TheJsonOfNothingIsStillAnObject) {
  Status status;
  status.event_store.trouble = "no server";
  EXPECT_EQ(
      nlohmann::json::parse(status_json(status)),
      nlohmann::json::parse(R"({"event_store": {"last_position": null, "error": "no server"}, "projections": []})"));
}

TEST(StatusText, TheJsonIsValidWhateverBytesTheTablesHold) {
  auto status = two_partitions();
  status.partitions[0].reason = "caf\xe9";
  const auto json = nlohmann::json::parse(status_json(status));
  EXPECT_EQ(json["projections"][0]["reason"], "caf\xef\xbf\xbd");
}

TEST(AgeText, NamesTheTwoLargestUnits) {
  EXPECT_EQ(age_text(seconds(0)), "0s");
  EXPECT_EQ(age_text(milliseconds(3240)), "3.2s");
  EXPECT_EQ(age_text(seconds(59)), "59s");
  EXPECT_EQ(age_text(seconds(75)), "1m15s");
  EXPECT_EQ(age_text(seconds(5 * 3600 + 3 * 60 + 7)), "5h3m");
  EXPECT_EQ(age_text(seconds(12 * 86400 + 4 * 3600)), "12d4h");
}

} // namespace
} // namespace projector::control
