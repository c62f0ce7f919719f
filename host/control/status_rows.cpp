#include "control/status_rows.hpp"

#include "projection/checkpoint.hpp"
#include "projection/worker_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace projector::control {
namespace {

using projection::State;

bool is(const std::string& state, State wanted) {
  return state == projection::to_string(wanted);
}

bool alive(const ReportedPartition& report) {
  return report.worker.heartbeat_age <= kHeartbeatLimit;
}

/// Whether the report is about all partitions, since the host has no worker for them.
bool about_projection(const ReportedPartition& report) {
  return report.worker.thread == 0 && (is(report.state, State::Missing) || is(report.state, State::Refused));
}

/// A partition, without the hosts' reports.
struct Row {
  PartitionStatus status;
  const ConfiguredProjection* configured = nullptr;
};

PartitionStatus make_status(const std::string& projection, const std::string& base, std::uint32_t partition,
                            std::uint32_t partitions, const std::string& plugin) {
  PartitionStatus status;
  status.projection = projection;
  status.partition = partition;
  status.partitions = partitions;
  status.checkpoint = projection::CheckpointKey{base, partition, partitions}.name();
  status.plugin = plugin;
  return status;
}

std::vector<Row> expected_rows(const std::vector<ConfiguredProjection>& configured,
                               const std::vector<StoredPartition>& stored) {
  std::map<std::string, const ConfiguredProjection*> by_checkpoint;
  for (const auto& projection : configured) {
    by_checkpoint.emplace(projection.checkpoint, &projection);
  }
  std::vector<Row> rows;
  std::set<std::string> have_run;
  for (const auto& partition : stored) {
    have_run.insert(partition.checkpoint);
    const auto found = by_checkpoint.find(partition.checkpoint);
    const auto* projection = found == by_checkpoint.end() ? nullptr : found->second;
    rows.push_back({make_status(projection ? projection->name : partition.projection, partition.checkpoint,
                                partition.partition, partition.partitions,
                                projection && !projection->plugin.empty() ? projection->plugin : partition.plugin),
                    projection});
    rows.back().status.position = partition.position;
  }
  for (const auto& [checkpoint, projection] : by_checkpoint) {
    for (std::uint32_t k = 0; !have_run.contains(checkpoint) && k < projection->partitions; ++k) {
      rows.push_back(
          {make_status(projection->name, checkpoint, k, projection->partitions, projection->plugin), projection});
    }
  }
  return rows;
}

/// The report that is used for a partition, or null.
const ReportedPartition* choose(const PartitionStatus& status, const std::vector<ReportedPartition>& reported) {
  const auto rank = [&](const ReportedPartition& report) {
    return std::tuple(!alive(report), report.name != status.checkpoint, is(report.state, State::Standby),
                      report.worker.heartbeat_age);
  };
  const ReportedPartition* best = nullptr;
  for (const auto& report : reported) {
    if (report.worker.heartbeat_age > kForgottenLimit) {
      continue;
    }
    const bool fits =
        report.name == status.checkpoint || (about_projection(report) && report.projection == status.projection);
    if (fits && (best == nullptr || rank(report) < rank(*best))) {
      best = &report;
    }
  }
  return best;
}

std::vector<OtherHost> others_of(const PartitionStatus& status, const std::vector<ReportedPartition>& reported,
                                 const ReportedPartition& chosen) {
  std::vector<OtherHost> others;
  for (const auto& report : reported) {
    if (report.name == status.checkpoint && alive(report) && report.worker.host != chosen.worker.host) {
      others.push_back({report.worker.host, report.state});
    }
  }
  return others;
}

void take(PartitionStatus& status, const ReportedPartition& report) {
  status.worker = report.worker;
  status.plugin = report.plugin.empty() ? status.plugin : report.plugin;
  if (alive(report)) {
    status.state = report.state;
    status.reason = report.reason;
    return;
  }
  status.state = projection::to_string(State::Stopped);
  status.reason = fmt::format("host {} has sent no heartbeat for {} s", report.worker.host,
                              std::chrono::duration_cast<std::chrono::seconds>(report.worker.heartbeat_age).count());
}

/// Fills in a partition that no host reports.
void explain(Row& row) {
  row.status.state = projection::to_string(State::Stopped);
  if (row.configured == nullptr) {
    row.status.reason = "no host runs it, and it is not in this configuration";
  } else if (!row.configured->refusal.empty()) {
    row.status.state = projection::to_string(State::Refused);
    row.status.reason = row.configured->refusal;
  } else if (!row.configured->enabled) {
    row.status.reason = "disabled in the configuration";
  } else {
    row.status.reason = "no host runs it";
  }
}

/// Partitions that hosts report and that are neither configured here nor stored, e.g. of another partition count.
void add_unexpected(const std::vector<ReportedPartition>& reported, std::vector<PartitionStatus>& statuses) {
  std::set<std::string> names;
  std::set<std::string> projections;
  for (const auto& status : statuses) {
    names.insert(status.checkpoint);
    projections.insert(status.projection);
  }
  for (const auto& report : reported) {
    const bool known =
        names.contains(report.name) || (about_projection(report) && projections.contains(report.projection));
    if (known || !alive(report)) {
      continue;
    }
    names.insert(report.name);
    PartitionStatus status = make_status(report.projection, "", report.partition, report.partitions, report.plugin);
    status.checkpoint = report.name;
    take(status, *choose(status, reported));
    statuses.push_back(std::move(status));
  }
}

} // namespace

std::vector<PartitionStatus> merge_status(const std::vector<ConfiguredProjection>& configured,
                                          const std::vector<StoredPartition>& stored,
                                          const std::vector<ReportedPartition>& reported) {
  std::vector<PartitionStatus> statuses;
  for (auto& row : expected_rows(configured, stored)) {
    if (const auto* report = choose(row.status, reported)) {
      take(row.status, *report);
      row.status.others = others_of(row.status, reported, *report);
    } else {
      explain(row);
    }
    statuses.push_back(std::move(row.status));
  }
  add_unexpected(reported, statuses);
  const auto place = [](const PartitionStatus& status) {
    return std::tie(status.projection, status.partition, status.checkpoint);
  };
  std::sort(statuses.begin(), statuses.end(),
            [&](const PartitionStatus& a, const PartitionStatus& b) { return place(a) < place(b); });
  return statuses;
}

} // namespace projector::control
