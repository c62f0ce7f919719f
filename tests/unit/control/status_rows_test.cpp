#include "control/status_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace projector::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ConfiguredProjection configured(const std::string& name, std::uint32_t partitions = 1) {
  return {name, name, partitions, name, true, ""};
}

StoredPartition stored(const std::string& name, std::uint32_t partition, std::uint32_t partitions,
                       std::optional<std::int64_t> position) {
  return {name, name, partition, partitions, name, position};
}

ReportedPartition reported(const std::string& name, const std::string& state, const std::string& host,
                           base::Duration age = milliseconds(300)) {
  ReportedPartition report;
  report.name = report.projection = report.plugin = name;
  report.state = state;
  report.worker = {host, "1.0", 1, 4711, 0, age};
  return report;
}

ReportedPartition of(ReportedPartition report, const std::string& projection, std::uint32_t partition,
                     std::uint32_t partitions) {
  report.projection = projection;
  report.partition = partition;
  report.partitions = partitions;
  return report;
}

/// "checkpoint k/n state host: reason", one for each partition.
std::vector<std::string> lines(const std::vector<PartitionStatus>& statuses) {
  std::vector<std::string> all;
  for (const auto& status : statuses) {
    all.push_back(status.projection + " " + status.checkpoint + " " + std::to_string(status.partition) + "/" +
                  std::to_string(status.partitions) + " " + status.state + " " +
                  (status.worker ? status.worker->host : "-") + ": " + status.reason);
  }
  return all;
}

using testing::ElementsAre;

TEST(StatusRows, AHostThatIsLongGoneIsNotShownAndThatNobodyRunsItIs) {
  const auto rows = merge_status({configured("revenue")}, {stored("revenue", 0, 1, 70)},
                                 {reported("revenue", "live", "a/1", std::chrono::hours(2))});
  EXPECT_THAT(lines(rows), ElementsAre("revenue revenue 0/1 stopped -: no host runs it"));
}

TEST(StatusRows, ALivePartitionShowsItsWorkerAndItsStoredPosition) {
  auto report = reported("revenue", "live", "a/1");
  report.plugin = "sales";
  report.worker.handled = 12;
  const auto rows = merge_status({configured("revenue")}, {stored("revenue", 0, 1, 70)}, {report});
  EXPECT_THAT(lines(rows), ElementsAre("revenue revenue 0/1 live a/1: "));
  EXPECT_EQ(rows[0].position, 70);
  EXPECT_EQ(rows[0].plugin, "sales");
  EXPECT_EQ(rows[0].worker->handled, 12);
  EXPECT_EQ(rows[0].lag, std::nullopt);
}

TEST(StatusRows, WithoutAReportAPartitionIsStopped) {
  auto disabled = configured("quiet");
  disabled.enabled = false;
  auto refused = configured("broken");
  refused.refusal = "b.toml:3:1: unknown key \"batchsize\"";
  const auto rows = merge_status({configured("fresh", 2), disabled, refused}, {stored("old", 0, 1, 5)}, {});
  EXPECT_THAT(lines(rows), ElementsAre("broken broken 0/1 refused -: b.toml:3:1: unknown key \"batchsize\"",
                                       "fresh fresh_p0 0/2 stopped -: no host runs it",
                                       "fresh fresh_p1 1/2 stopped -: no host runs it",
                                       "old old 0/1 stopped -: no host runs it, and it is not in this configuration",
                                       "quiet quiet 0/1 stopped -: disabled in the configuration"));
  EXPECT_EQ(rows[1].position, std::nullopt);
  EXPECT_EQ(rows[3].position, 5);
}

TEST(StatusRows, AHeartbeatOfFiveSecondsIsStillLife) {
  const auto rows = merge_status(
      {configured("young"), configured("old")}, {},
      {reported("young", "live", "a/1", seconds(5)), reported("old", "live", "a/1", seconds(5) + milliseconds(1))});
  EXPECT_THAT(lines(rows), ElementsAre("old old 0/1 stopped a/1: host a/1 has sent no heartbeat for 5 s",
                                       "young young 0/1 live a/1: "));
}

TEST(StatusRows, AHostWithoutWorkersSpeaksForAllPartitionsThatNobodyRuns) {
  auto missing = reported("orders", "missing", "a/1");
  missing.reason = "no plugin directory holds orders.so";
  missing.worker.thread = 0;
  missing.partitions = 2;
  const auto rows =
      merge_status({configured("orders", 2)}, {}, {missing, of(reported("orders_p1", "live", "b/2"), "orders", 1, 2)});
  EXPECT_THAT(lines(rows), ElementsAre("orders orders_p0 0/2 missing a/1: no plugin directory holds orders.so",
                                       "orders orders_p1 1/2 live b/2: "));
}

TEST(StatusRows, AWorkerThatRefusesItsCheckpointSpeaksForItsPartitionOnly) {
  auto refuses = of(reported("orders_p0", "refused", "a/1"), "orders", 0, 2);
  refuses.reason = "moved by another program";
  const auto rows = merge_status({}, {stored("orders", 0, 2, 4), stored("orders", 1, 2, 4)}, {refuses});
  EXPECT_THAT(lines(rows),
              ElementsAre("orders orders_p0 0/2 refused a/1: moved by another program",
                          "orders orders_p1 1/2 stopped -: no host runs it, and it is not in this configuration"));
}

TEST(StatusRows, OfSeveralHostsTheOneThatWorksCounts) {
  const auto rows =
      merge_status({}, {stored("x", 0, 1, 1)},
                   {reported("x", "live", "crashed/1", seconds(90)), reported("x", "standby", "b/2"),
                    reported("x", "live", "a/1", seconds(2)), reported("x", "live", "crashed/2", seconds(60))});
  EXPECT_THAT(lines(rows), ElementsAre("x x 0/1 live a/1: "));
  EXPECT_THAT(rows[0].others, ElementsAre(OtherHost{"b/2", "standby"})) << "and not those that are gone";
  const auto none =
      merge_status({}, {stored("x", 0, 1, 1)},
                   {reported("x", "live", "crashed/1", seconds(90)), reported("x", "live", "crashed/2", seconds(60))});
  EXPECT_THAT(lines(none), ElementsAre("x x 0/1 stopped crashed/2: host crashed/2 has sent no heartbeat for 60 s"));
}

TEST(StatusRows, TheStoredPartitionCountWinsAndWorkersOfAnotherCountAreShownToo) {
  const auto rows = merge_status({configured("x", 1)}, {stored("x", 0, 2, 3), stored("x", 1, 2, std::nullopt)},
                                 {reported("x", "refused", "a/1")});
  EXPECT_THAT(lines(rows), ElementsAre("x x 0/1 refused a/1: ", "x x_p0 0/2 stopped -: no host runs it",
                                       "x x_p1 1/2 stopped -: no host runs it"));
  EXPECT_EQ(rows[1].position, 3);
  EXPECT_EQ(rows[2].position, std::nullopt);
}

TEST(StatusRows, WhatIsNeitherConfiguredNorStoredIsShownWhileItLives) {
  const auto rows = merge_status(
      {}, {}, {of(reported("y_p3", "starting", "a/1"), "y", 3, 4), reported("gone", "live", "b/2", seconds(3600))});
  EXPECT_THAT(lines(rows), ElementsAre("y y_p3 3/4 starting a/1: "));
}

TEST(StatusRows, ACheckpointUnderAnotherNameBelongsToTheProjectionThatNamesIt) {
  auto renamed = configured("new_name");
  renamed.checkpoint = "old_name";
  renamed.plugin = "plugin";
  const auto rows = merge_status({renamed}, {stored("old_name", 0, 1, 9)}, {});
  EXPECT_THAT(lines(rows), ElementsAre("new_name old_name 0/1 stopped -: no host runs it"));
  EXPECT_EQ(rows[0].plugin, "plugin");
  EXPECT_EQ(rows[0].position, 9);
}

TEST(StatusRows, PartitionsAreSortedByNumber) {
  std::vector<std::uint32_t> order;
  for (const auto& row : merge_status({configured("x", 12)}, {}, {})) {
    order.push_back(row.partition);
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

} // namespace
} // namespace projector::control
