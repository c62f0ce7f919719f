#include "seen_events.hpp"
#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <optional>

namespace projector::test {
namespace {

using testing::HasSubstr;

class SharesOfTheWork : public ::testing::Test {
protected:
  SharesOfTheWork() {
    create_event_store(dsn_);
    EventWriters(dsn_, {.writers = 2, .events = 300, .seed = 31}).join();
  }
  /// Waits until the host ends, and returns the partitions whose checkpoints it has moved.
  std::string partitions_moved_by(HostProcess& host, const std::vector<std::string>& arguments,
                                  const std::map<std::string, std::string>& environment) {
    query_value(dsn_, "DROP TABLE IF EXISTS projection_checkpoints, projector_projections, projector_checkpoints, "
                      "projector_workers, projector_stores, recorder_seen");
    host.start(arguments, environment);
    EXPECT_TRUE(becomes(
        dsn_, "SELECT max(position) = (SELECT max(global_position) FROM events) FROM projector_checkpoints", "t"))
        << host.log();
    EXPECT_EQ(host.stop(), 0) << host.log();
    return query_value(dsn_, "SELECT string_agg(name, ',') FROM projector_checkpoints WHERE position > 0");
  }
  Finished status(HostProcess& host, const std::vector<std::string>& more) {
    std::vector<std::string> command{PROJECTOR_TEST_BIN_DIR "/projectorctl", "status", "--config",
                                     host.configuration_file().string()};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  }

  const std::string dsn_ = PrivatePostgres::shared().create_database();
};

TEST_F(SharesOfTheWork, OptionsWinOverTheEnvironmentAndThatOverTheFile) {
  HostProcess host(dsn_, "[worker]\nid = \"projection-worker-0\"\ntotal = 4\n");
  host.install_plugin("recorder");
  EXPECT_EQ(partitions_moved_by(host, {}, {}), "recorder_p0") << "as many partitions as workers by themselves";
  EXPECT_EQ(partitions_moved_by(host, {}, {{"WORKER_ID", "projection-worker-3"}}), "recorder_p3");
  EXPECT_EQ(partitions_moved_by(host, {}, {{"WORKER_ID", "5"}, {"TOTAL_WORKERS", "6"}}), "recorder_p5");
  EXPECT_EQ(partitions_moved_by(host, {"--worker-id", "pod-1", "--total-workers", "2"},
                                {{"WORKER_ID", "5"}, {"TOTAL_WORKERS", "6"}}),
            "recorder_p1");
}

TEST_F(SharesOfTheWork, WhatIsNoShareEndsBeforeAnythingRuns) {
  HostProcess host(dsn_);
  host.install_plugin("recorder");
  EXPECT_EQ(host.run({}, {{"WORKER_ID", "projection-worker-3"}}), 2);
  EXPECT_THAT(host.log(),
              HasSubstr("WORKER_ID: worker.id is 3, but the number of workers is not set; set worker.total, "
                        "TOTAL_WORKERS or --total-workers"));
  EXPECT_EQ(host.run({"--worker-id", "w-4"}, {{"TOTAL_WORKERS", "4"}}), 2);
  EXPECT_THAT(host.log(), HasSubstr("--worker-id: worker.id is 4, expected it below worker.total, which is 4 "
                                    "(TOTAL_WORKERS); ids count from 0"));
  EXPECT_EQ(query_value(dsn_, "SELECT to_regclass('projector_workers')"), "");
}

TEST_F(SharesOfTheWork, StatusTellsWhoRunsWhichPartitionAndWhichNobodyRuns) {
  WorkerGroup workers(dsn_, 4, {"recorder"},
                      projection_tables({"recorder"}, "partitions = 8\n") +
                          "[projection.solo]\nplugin = \"recorder\"\npartitions = 1\n");
  for (const std::uint32_t id : {0u, 1u, 3u}) {
    workers.start(id);
  }
  ASSERT_TRUE(becomes(dsn_, "SELECT count(*) FROM projector_workers WHERE state = 'live'", "7")) << workers.logs();
  std::map<std::string, std::string> expected{{"solo 0", "live " + workers.host_name(0)}};
  for (std::uint32_t partition = 0; partition < 8; ++partition) {
    expected[fmt::format("recorder {}", partition)] =
        partition % 4 == 2 ? "stopped no host runs it" : "live " + workers.host_name(partition % 4);
  }
  std::map<std::string, std::string> shown;
  const auto json = nlohmann::json::parse(status(workers[2], {"--json"}).output);
  for (const auto& row : json.at("projections")) {
    shown[fmt::format("{} {}", row.at("projection").get<std::string>(), row.at("partition").get<int>())] =
        row.at("state").get<std::string>() + " " +
        (row.at("host").is_null() ? row.at("reason") : row.at("host")).get<std::string>();
  }
  EXPECT_EQ(shown, expected);
  const auto text = status(workers[2], {}).output;
  for (std::uint32_t partition = 0; partition < 8; ++partition) {
    const auto begin = text.find(fmt::format("\nrecorder    {}/8 ", partition));
    ASSERT_NE(begin, std::string::npos) << text;
    EXPECT_THAT(text.substr(begin + 1, text.find('\n', begin + 1) - begin),
                HasSubstr(partition % 4 == 2 ? "no host runs it" : workers.host_name(partition % 4)));
  }
  workers[1].kill();
  ASSERT_TRUE(
      becomes(dsn_, "SELECT count(*) FROM projector_workers WHERE heartbeat < now() - interval '6 seconds'", "2"));
  EXPECT_THAT(status(workers[2], {}).output, HasSubstr("has sent no heartbeat for"));
}

/// With more partitions than workers, the shares change while events come; the old workers end one by one.
TEST_F(SharesOfTheWork, AnotherNumberOfWorkersTakesOverWithoutAnotherNumberOfPartitions) {
  make_seen_table(dsn_, "recorder");
  const std::string projections =
      projection_tables({"recorder"}, "partitions = 12\nbatch_size = 10\nrestart_interval = \"1s\"\n");
  WorkerGroup two(dsn_, 2, {"recorder"}, projections);
  WorkerGroup three(dsn_, 3, {"recorder"}, projections);
  std::optional<EventWriters> writers;
  writers.emplace(dsn_,
                  EventWriters::Options{
                      .writers = 2, .events = std::numeric_limits<std::uint64_t>::max(), .seed = 37, .pause_us = 5000});
  const std::string live = "SELECT count(*) FROM projector_workers WHERE state IN ('live', 'catching_up')";
  const std::string standby = "SELECT count(*) FROM projector_workers WHERE state = 'standby'";
  two.start(0);
  two.start(1);
  ASSERT_TRUE(becomes(dsn_, live, "12")) << two.logs();
  for (std::uint32_t id = 0; id < 3; ++id) {
    three.start(id);
  }
  ASSERT_TRUE(becomes(dsn_, standby, "12")) << three.logs();
  EXPECT_EQ(two[0].stop(), 0);
  EXPECT_TRUE(becomes(dsn_, standby, "6")) << three.logs();
  EXPECT_EQ(two[1].stop(), 0);
  EXPECT_TRUE(becomes(dsn_, live, "12")) << three.logs();
  EXPECT_EQ(query_value(dsn_, standby), "0");
  writers.reset();
  ASSERT_TRUE(three.caught_up()) << three.logs();
  for (std::uint32_t id = 0; id < 3; ++id) {
    EXPECT_EQ(three[id].stop(), 0);
  }
  expect_seen_once_in_order(dsn_, "recorder", 12);
}

TEST_F(SharesOfTheWork, WorkersThatAreAddedGoOnWithTheStoredPartitionCount) {
  HostProcess host(dsn_);
  host.install_plugin("recorder");
  host.write_projection_file("recorder", "[projection.recorder]\n");
  host.start();
  ASSERT_TRUE(becomes(dsn_, "SELECT state FROM projector_workers", "live")) << host.log();
  ASSERT_EQ(host.stop(), 0);
  const std::map<std::string, std::string> share{{"WORKER_ID", "0"}, {"TOTAL_WORKERS", "2"}};
  host.start({}, share);
  EXPECT_TRUE(host.logs("recorder: its checkpoint was written with partitions = 1, so 1 of 2 workers have no part in "
                        "it; to give each one, stop its workers and run \"projectorctl repartition recorder --to 2\""))
      << host.log();
  EXPECT_TRUE(becomes(dsn_, "SELECT state || ' ' || partitions FROM projector_workers", "live 1")) << host.log();
  ASSERT_EQ(host.stop(), 0);
  const auto cure = run_program({PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config", host.configuration_file().string(),
                                 "repartition", "recorder", "--to", "2"});
  EXPECT_EQ(cure.code, 0) << cure.output;
  host.start({}, share);
  EXPECT_TRUE(becomes(dsn_, "SELECT state || ' ' || partition || '/' || partitions FROM projector_workers", "live 0/2"))
      << host.log();
  EXPECT_EQ(host.log().find("refused"), std::string::npos) << host.log();
}

} // namespace
} // namespace projector::test
