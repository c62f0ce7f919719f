#include "supervisor/hosted_projection.hpp"

#include "base/test_point.hpp"
#include "supervisor/capacity.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace projector::supervisor {
namespace {

bool out_of_order(const projection::WorkerStatus& status) {
  return status.state == projection::State::Failed || status.state == projection::State::Refused;
}

} // namespace

HostedProjection::HostedProjection(std::string name, const projection::WorkerServices& services, PluginThread& plugins)
    : name_(std::move(name)), services_(services), plugins_(plugins) {}

HostedProjection::~HostedProjection() {
  for (const auto& worker : workers_) {
    worker->request_stop();
  }
  workers_.clear();
  close(rollout_.stop());
  if (rollout_.ending()) {
    close(rollout_.ended());
  }
}

void HostedProjection::run(Generation generation) {
  requested_ = generation.wanted;
  answer_ = Accepted{};
  if (rollout_.in<Rollout::Idle>() != nullptr) {
    rollout_.start(std::move(generation));
    launch();
    return;
  }
  spdlog::info("{}: generation {} of {} replaces generation {}", name_, generation.number,
               generation.wanted.plugin->file.string(), running()->number);
  close(rollout_.replace(std::move(generation), in_order()));
  end_workers();
}

void HostedProjection::refuse(DesiredProjection request, const std::string& reason, bool retry) {
  requested_ = std::move(request);
  std::string shown = reason;
  if (running() != nullptr) {
    const auto* back = rollout_.in<Rollout::RollingBack>();
    shown = fmt::format("generation {} {}: {}", back != nullptr ? back->good.number : running()->number,
                        back != nullptr || in_order() ? "keeps running" : "is not replaced", reason);
  }
  if (shown != this->reason()) {
    // A file that is still being written is not an error yet.
    spdlog::log(retry ? spdlog::level::info : spdlog::level::err, "{}: refused{}{}", name_,
                running() != nullptr ? ", " : ": ", shown);
  }
  answer_ = Refused{std::move(shown), retry};
}

void HostedProjection::missing(DesiredProjection request, const std::string& reason) {
  requested_ = std::move(request);
  answer_ = Missing{reason};
  spdlog::info("{}: missing: {}", name_, reason);
}

bool HostedProjection::same_request(const DesiredProjection& wanted, const DesiredProjection& tried) const {
  return tried.projection == wanted.projection && tried.partitions == wanted.partitions &&
         (!wanted.rebuild || wanted.rebuild == requested_.rebuild);
}

std::set<std::string> HostedProjection::known_files(const DesiredProjection& wanted) const {
  std::set<std::string> known;
  if (running() != nullptr && same_request(wanted, running()->wanted)) {
    known.insert(running()->sha256);
  }
  if (const auto* failed = std::get_if<RolledBack>(&answer_);
      failed != nullptr && same_request(wanted, failed->wanted)) {
    known.insert(failed->sha256);
  }
  return known;
}

void HostedProjection::unchanged(DesiredProjection request, const std::string& sha256) {
  requested_ = std::move(request);
  if (const auto* failed = std::get_if<RolledBack>(&answer_); failed == nullptr || failed->sha256 != sha256) {
    answer_ = Accepted{};
  }
}

void HostedProjection::stop() {
  spdlog::info("{}: stopping", name_);
  close(rollout_.stop());
  end_workers();
}

bool HostedProjection::step() {
  if (!rollout_.ending()) {
    return rollout_.in<Rollout::OnTrial>() != nullptr && look_at_trial();
  }
  const bool all = std::all_of(workers_.begin(), workers_.end(),
                               [](const auto& worker) { return worker->status().state == projection::State::Stopped; });
  if (all) {
    workers_.clear();
    close(rollout_.ended());
    launch();
  }
  return all;
}

/// Makes the workers of the current generation, if there is one.
void HostedProjection::launch() {
  if (running() == nullptr) {
    return;
  }
  spdlog::info("{}: starting {} with {} of {} partitions", name_, running()->wanted.plugin->file.string(),
               running()->assignments.size(), running()->wanted.projection.partitions);
  const auto* trial = rollout_.in<Rollout::OnTrial>();
  try {
    for (auto assignment : running()->assignments) {
      assignment.trial = trial != nullptr ? trial->flag : nullptr;
      PROJECTOR_TEST_POINT("worker_thread");
      workers_.push_back(std::make_unique<projection::Worker>(std::move(assignment), services_));
    }
  } catch (const std::exception& error) {
    cannot_start(error);
  }
}

/// Called when a thread or a descriptor was missing. The workers that were made end, and the good generation comes
/// back.
void HostedProjection::cannot_start(const std::exception& error) {
  const auto reason = supervisor::cannot_start(running()->assignments.size(), workers_.size(), error);
  could_not_start_ = true;
  if (const auto* good = rollout_.good()) {
    spdlog::error("{}: generation {} cannot start, generation {} comes back: {}", name_, running()->number,
                  good->number, reason);
    answer_ = Refused{fmt::format("generation {} keeps running: {}", good->number, reason), false};
    rollout_.roll_back();
  } else {
    spdlog::error("{}: refused: {}", name_, reason);
    answer_ = Refused{reason, false};
    rollout_.withdraw();
  }
  end_workers();
}

bool HostedProjection::look_at_trial() {
  const Generation& good = *rollout_.good();
  bool all = true;
  bool any = false;
  for (const auto& worker : workers_) {
    const auto status = worker->status();
    if (!status.passed_trial && out_of_order(status)) {
      spdlog::error("{}: generation {} failed before its first commit, going back to generation {}: {}", name_,
                    running()->number, good.number, status.reason);
      answer_ = RolledBack{fmt::format("generation {} keeps running: {}", good.number, status.reason),
                           running()->wanted, running()->sha256};
      rollout_.roll_back();
      end_workers();
      return true;
    }
    all = all && status.passed_trial;
    any = any || status.passed_trial;
  }
  // The old plugin cannot go on with a read model that the new one has emptied.
  const bool passed = all || (any && running()->facts.read_model_version != good.facts.read_model_version);
  if (passed) {
    close(rollout_.pass());
  }
  return passed;
}

void HostedProjection::end_workers() {
  for (const auto& worker : workers_) {
    worker->request_stop();
  }
  step();
}

void HostedProjection::close(Rollout::Unneeded unneeded) const {
  plugins_.close(name_, std::move(unneeded));
}

bool HostedProjection::in_order() const {
  return workers_.empty() || !std::all_of(workers_.begin(), workers_.end(),
                                          [](const auto& worker) { return out_of_order(worker->status()); });
}

std::optional<std::uint32_t> HostedProjection::read_model_version() const {
  if (const auto* good = rollout_.good()) {
    return good->facts.read_model_version;
  }
  return running() != nullptr && !workers_.empty() && in_order() ? std::optional(running()->facts.read_model_version)
                                                                 : std::nullopt;
}

CurrentProjection HostedProjection::current() const {
  const bool stopping = rollout_.in<Rollout::Stopping>() != nullptr;
  const auto* refused = std::get_if<Refused>(&answer_);
  return {requested_, running() != nullptr ? running()->wanted.projection.checkpoint : "",
          running() != nullptr && !stopping, refused != nullptr && refused->retry, stopping};
}

/// Why the request was not carried out; empty if it was.
std::string HostedProjection::reason() const {
  if (const auto* refused = std::get_if<Refused>(&answer_)) {
    return refused->reason;
  }
  if (const auto* missing = std::get_if<Missing>(&answer_)) {
    return missing->reason;
  }
  const auto* failed = std::get_if<RolledBack>(&answer_);
  return failed != nullptr ? failed->reason : "";
}

std::string HostedProjection::remark() const {
  const auto* trial = rollout_.in<Rollout::OnTrial>();
  if (!reason().empty() || trial == nullptr) {
    return reason();
  }
  return fmt::format("generation {} is on trial until its first batch; generation {} can come back",
                     trial->generation.number, trial->good.number);
}

std::vector<projection::WorkerStatus> HostedProjection::status() const {
  std::vector<projection::WorkerStatus> all;
  for (const auto& worker : workers_) {
    auto status = worker->report();
    const auto more = remark();
    status.reason += (status.reason.empty() || more.empty() ? "" : "; ") + more;
    all.push_back(std::move(status));
  }
  if (running() == nullptr) {
    projection::WorkerStatus status;
    status.projection = name_;
    status.checkpoint = requested_.projection.checkpoint;
    status.partitions = requested_.projection.partitions;
    status.state = std::holds_alternative<Refused>(answer_) ? projection::State::Refused
                   : ended()                                ? projection::State::Stopped
                                                            : projection::State::Missing;
    status.reason = reason();
    status.plugin = requested_.projection.plugin;
    all.push_back(std::move(status));
  }
  return all;
}

} // namespace projector::supervisor
