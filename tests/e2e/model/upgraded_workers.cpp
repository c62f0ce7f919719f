#include "upgraded_workers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::test::model {

using Kind = WorkerOperation::Kind;

std::string to_string(const WorkerOperation& operation) {
  switch (operation.kind) {
  case Kind::Put:
    return fmt::format("put version {} on worker {}", kTrialVersions.at(operation.version).version, operation.worker);
  case Kind::Kill:
    return fmt::format("kill -9 worker {} and start it", operation.worker);
  case Kind::Restart:
    return fmt::format("stop worker {} and start it", operation.worker);
  case Kind::Rebuild:
    return "ask for a rebuild";
  case Kind::RebuildIdle:
    return "ask for a rebuild while nobody writes";
  case Kind::Freeze:
    return fmt::format("freeze worker {} until another one has gone on in its place", operation.worker);
  }
  return {};
}

bool UpgradedWorkers::allows(const WorkerOperation& operation) const {
  const auto serves = [](const Worker& worker) { return worker.takes_part; };
  const auto settled = [](const Worker& worker) { return !worker.takes_part || worker.file == worker.runs; };
  switch (operation.kind) {
  case Kind::Rebuild:
  case Kind::RebuildIdle:
    return std::any_of(workers_.begin(), workers_.end(), serves) &&
           std::all_of(workers_.begin(), workers_.end(), settled);
  case Kind::Freeze: {
    const Worker& worker = workers_.at(operation.worker);
    return worker.takes_part && worker.file == worker.runs;
  }
  default:
    return true;
  }
}

void UpgradedWorkers::take_into_use(Worker& worker) {
  worker.runs = worker.file;
  const auto version = kTrialVersions.at(worker.file).read_model;
  worker.takes_part = version >= read_model_;
  if (version <= read_model_) {
    return;
  }
  read_model_ = version;
  ++epoch_;
  for (auto& other : workers_) {
    other.takes_part = kTrialVersions.at(other.runs).read_model == read_model_;
  }
}

void UpgradedWorkers::apply(const WorkerOperation& operation) {
  Worker& worker = workers_.at(operation.worker);
  switch (operation.kind) {
  case Kind::Put:
    worker.file = operation.version;
    if (worker.takes_part && kTrialVersions.at(worker.file).read_model < read_model_) {
      return; // what runs goes on
    }
    return take_into_use(worker);
  case Kind::Kill:
  case Kind::Restart:
    return take_into_use(worker);
  case Kind::Rebuild:
  case Kind::RebuildIdle:
    ++epoch_;
    return;
  case Kind::Freeze:
    return;
  }
}

} // namespace projector::test::model
