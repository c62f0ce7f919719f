#include "supervisor/supervisor.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace projector::supervisor {
namespace {

/// Whether the projection cannot go on without an operator. A failed one is started again after `restart_interval`, but
/// all its retries have failed, and a batch job should report that at once.
bool stuck(projection::State state) {
  return state == projection::State::Failed || state == projection::State::Refused ||
         state == projection::State::Missing;
}

/// Whether a worker has not opened its checkpoint yet, which may empty the read model.
bool opening(const projection::WorkerStatus& status) {
  using State = projection::State;
  return !status.opened && (status.state == State::Starting || status.state == State::CatchingUp ||
                            status.state == State::Live || status.state == State::Retrying);
}

} // namespace

std::vector<projection::WorkerStatus> Supervisor::status() const {
  const std::lock_guard lock(mutex_);
  return statuses();
}

std::vector<projection::WorkerStatus> Supervisor::statuses() const {
  std::vector<projection::WorkerStatus> all;
  for (const auto& [name, hosted] : hosted_) {
    for (auto& status : hosted.status()) {
      all.push_back(std::move(status));
    }
  }
  for (const auto& [name, preparing] : preparing_) {
    if (!hosted_.contains(name)) {
      const auto& wanted = preparing.wanted.projection;
      projection::WorkerStatus status;
      status.projection = name;
      status.checkpoint = wanted.checkpoint;
      status.partitions = wanted.partitions;
      status.state = projection::State::Starting;
      status.plugin = wanted.plugin;
      all.push_back(std::move(status));
    }
  }
  configuration_.remark(all);
  return all;
}

std::optional<Outlook> Supervisor::outlook() const {
  const std::lock_guard lock(mutex_);
  if (!desired_) {
    return std::nullopt;
  }
  Outlook outlook;
  outlook.refused = picked_in_vain_;
  std::map<std::string, std::vector<std::string>> names; // of the checkpoints, by projection
  for (const auto& [name, wanted] : *desired_) {
    const auto& projection = wanted.projection;
    for (std::uint32_t partition = 0; partition < projection.partitions; ++partition) {
      names[name].push_back(projection::CheckpointKey{projection.checkpoint, partition, projection.partitions}.name());
    }
    outlook.checkpoints.insert(outlook.checkpoints.end(), names[name].begin(), names[name].end());
  }
  for (const auto& status : statuses()) {
    if (opening(status)) {
      outlook.opening.push_back(fmt::format("{} is {}{}{}", status.checkpoint, to_string(status.state),
                                            status.reason.empty() ? "" : ": ", status.reason));
    }
    const auto hosted = hosted_.find(status.projection);
    const bool half_written = hosted != hosted_.end() && hosted->second.current().retry;
    if (!stuck(status.state) || half_written || preparing_.contains(status.projection)) {
      continue;
    }
    const std::string why = fmt::format("{}: {}", to_string(status.state), status.reason);
    if (hosted != hosted_.end() && hosted->second.running() != nullptr) {
      outlook.stuck.emplace(status.checkpoint, why);
    } else if (const auto found = names.find(status.projection); found != names.end()) {
      for (const auto& name : found->second) {
        outlook.stuck.emplace(name, why);
      }
    } else if (options_.selection.takes(status.projection)) {
      outlook.refused.push_back(fmt::format("{}: {}", status.projection, why));
    }
  }
  return outlook;
}

std::map<std::string, std::uint32_t> Supervisor::stored_partitions() const {
  std::map<std::string, std::uint32_t> partitions;
  if (const auto read = services_.bookkeeper.stored()) {
    for (const auto& [checkpoint, stored] : read->by_checkpoint) {
      partitions.emplace(checkpoint, stored.partitions);
    }
  }
  return partitions;
}

void Supervisor::report_idle_workers(const Desired& desired) {
  const auto& worker = configuration_.get().worker;
  for (const auto& [name, wanted] : desired) {
    const auto partitions = wanted.projection.partitions;
    if (!worker || wanted.projection.partitions_given || partitions >= worker->total) {
      continue;
    }
    auto text =
        fmt::format("{0}: its checkpoint was written with partitions = {1}, so {2} of {3} workers have no part in "
                    "it; to give each one, stop its workers and run \"projectorctl repartition {0} --to {3}\"",
                    name, partitions, worker->total - partitions, worker->total);
    if (reported_.insert(text).second) {
      spdlog::warn("{}", text);
    }
  }
}

} // namespace projector::supervisor
