#include "supervisor/hosted_projection.hpp"

#include "base/test_point.hpp"
#include "plugin/module.hpp"
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

HostedProjection::HostedProjection(std::string name, const projection::WorkerServices& services)
    : name_(std::move(name)), services_(services) {}

HostedProjection::~HostedProjection() {
  for (const auto& worker : workers_) {
    worker->request_stop();
  }
}

void HostedProjection::run(Generation generation) {
  asked_ = generation.wanted;
  look_again_ = false;
  reason_.clear();
  failed_.reset();
  if (!running_) {
    launch(std::move(generation));
    return;
  }
  spdlog::info("{}: generation {} of {} replaces generation {}", name_, generation.number,
               generation.wanted.plugin->file.string(), running_->number);
  if (!ending_) {
    keep_ = in_order();
  }
  next_ = std::move(generation);
  then_ = Then::Start;
  end_workers();
}

void HostedProjection::refuse(DesiredProjection asked, const std::string& reason, bool look_again) {
  asked_ = std::move(asked);
  look_again_ = look_again;
  failed_.reset();
  std::string shown = reason;
  if (running_) {
    const bool back = ending_ && then_ == Then::GoBack;
    shown = fmt::format("generation {} {}: {}", back ? good_->number : running_->number,
                        back || in_order() ? "runs on" : "stays", reason);
  } else {
    shown_ = projection::State::Refused;
  }
  if (shown != reason_) {
    // A file that is being written is no fault yet.
    spdlog::log(look_again ? spdlog::level::info : spdlog::level::err, "{}: refused{}{}", name_, running_ ? ", " : ": ",
                shown);
  }
  reason_ = std::move(shown);
}

void HostedProjection::missing(DesiredProjection asked, std::string reason) {
  asked_ = std::move(asked);
  look_again_ = false;
  shown_ = projection::State::Missing;
  reason_ = std::move(reason);
  spdlog::info("{}: missing: {}", name_, reason_);
}

bool HostedProjection::same_request(const DesiredProjection& wanted, const DesiredProjection& tried) const {
  return tried.projection == wanted.projection && tried.partitions == wanted.partitions &&
         (wanted.rebuild == 0 || wanted.rebuild == asked_.rebuild);
}

std::set<std::string> HostedProjection::known_files(const DesiredProjection& wanted) const {
  std::set<std::string> known;
  if (running_ && same_request(wanted, running_->wanted)) {
    known.insert(running_->sha256);
  }
  if (failed_ && same_request(wanted, *failed_)) {
    known.insert(failed_sha256_);
  }
  return known;
}

void HostedProjection::unchanged(DesiredProjection asked, const std::string& sha256) {
  asked_ = std::move(asked);
  look_again_ = false;
  if (!failed_ || sha256 != failed_sha256_) {
    failed_.reset();
    reason_.clear();
  }
}

void HostedProjection::stop() {
  spdlog::info("{}: stopping", name_);
  next_.reset();
  then_ = Then::End;
  end_workers();
}

bool HostedProjection::step() {
  if (!ending_) {
    return good_ && look_at_trial();
  }
  const bool all = std::all_of(workers_.begin(), workers_.end(),
                               [](const auto& worker) { return worker->status().state == projection::State::Stopped; });
  if (all) {
    workers_.clear();
    ending_ = false;
    move_on();
  }
  return all;
}

void HostedProjection::launch(Generation generation) {
  running_ = std::move(generation);
  then_ = Then::Start;
  trial_ = good_ ? std::make_shared<std::atomic<bool>>(true) : nullptr;
  spdlog::info("{}: starting {} with {} of {} partitions", name_, running_->wanted.plugin->file.string(),
               running_->assignments.size(), running_->wanted.projection.partitions);
  try {
    for (auto assignment : running_->assignments) {
      assignment.trial = trial_;
      PROJECTOR_TEST_POINT("worker_thread");
      workers_.push_back(std::make_unique<projection::Worker>(std::move(assignment), services_));
    }
  } catch (const std::exception& error) {
    cannot_start(error);
  }
}

/// A thread or a descriptor was not to be had. The workers that were made end, and the good generation comes back.
void HostedProjection::cannot_start(const std::exception& error) {
  const auto reason = supervisor::cannot_start(running_->assignments.size(), workers_.size(), error);
  could_not_start_ = true;
  keep_ = false;
  if (good_) {
    spdlog::error("{}: generation {} cannot start, generation {} comes back: {}", name_, running_->number,
                  good_->number, reason);
    reason_ = fmt::format("generation {} runs on: {}", good_->number, reason);
    then_ = Then::GoBack;
  } else {
    spdlog::error("{}: refused: {}", name_, reason);
    reason_ = reason;
    shown_ = projection::State::Refused;
    then_ = Then::Refuse;
  }
  end_workers();
}

bool HostedProjection::look_at_trial() {
  bool all = true;
  bool any = false;
  for (const auto& worker : workers_) {
    const auto status = worker->status();
    if (!status.committed && out_of_order(status)) {
      spdlog::error("{}: generation {} failed before its first commit, going back to generation {}: {}", name_,
                    running_->number, good_->number, status.reason);
      reason_ = fmt::format("generation {} runs on: {}", good_->number, status.reason);
      failed_ = running_->wanted;
      failed_sha256_ = running_->sha256;
      keep_ = false;
      then_ = Then::GoBack;
      end_workers();
      return true;
    }
    all = all && status.committed;
    any = any || status.committed;
  }
  // An emptied read model is none that the old plugin could go on with.
  const bool passed = all || (any && running_->read_model_version != good_->read_model_version);
  if (passed) {
    *trial_ = false;
    retire(good_);
  }
  return passed;
}

void HostedProjection::end_workers() {
  ending_ = true;
  for (const auto& worker : workers_) {
    worker->request_stop();
  }
  step();
}

void HostedProjection::move_on() {
  std::optional<Generation> ended = std::move(running_);
  running_.reset();
  switch (then_) {
  case Then::Start: {
    if (keep_ && !good_) {
      good_ = std::move(ended);
    } else {
      retire(ended);
    }
    Generation next = std::move(*next_);
    next_.reset();
    launch(std::move(next));
    return;
  }
  case Then::GoBack: {
    retire(ended);
    Generation back = std::move(*good_);
    good_.reset();
    launch(std::move(back));
    return;
  }
  case Then::Refuse:
    retire(ended);
    return;
  case Then::End:
    retire(ended);
    retire(good_);
    return;
  }
}

/// Closes the copies. Whether they left the process is told and not relied on: a plugin may have pinned itself.
void HostedProjection::retire(std::optional<Generation>& generation) const {
  if (!generation) {
    return;
  }
  std::vector<std::filesystem::path> copies;
  for (const auto& assignment : generation->assignments) {
    copies.push_back(assignment.module->file().copy);
  }
  const auto number = generation->number;
  generation.reset();
  const auto mapped = std::find_if(copies.begin(), copies.end(), plugin::Module::still_mapped);
  if (mapped == copies.end()) {
    spdlog::info("{}: generation {} has left the process", name_, number);
  } else {
    spdlog::warn("{}: generation {} is still mapped in the process: its library keeps itself loaded (-z nodelete, a "
                 "thread_local destructor or a thread of its own); the memory is free again after a restart",
                 name_, number);
  }
}

bool HostedProjection::in_order() const {
  return workers_.empty() || !std::all_of(workers_.begin(), workers_.end(),
                                          [](const auto& worker) { return out_of_order(worker->status()); });
}

std::optional<std::uint32_t> HostedProjection::read_model_version() const {
  if (good_) {
    return good_->read_model_version;
  }
  return running_ && !workers_.empty() && in_order() ? std::optional(running_->read_model_version) : std::nullopt;
}

CurrentProjection HostedProjection::current() const {
  const bool stopping = then_ == Then::End && running_;
  return {asked_, running_ ? running_->wanted.projection.checkpoint : "", running_ && !stopping, look_again_, stopping};
}

std::string HostedProjection::remark() const {
  if (!reason_.empty() || !good_ || ending_) {
    return reason_;
  }
  return fmt::format("generation {} is on trial until its first batch; generation {} can come back", running_->number,
                     good_->number);
}

std::vector<projection::WorkerStatus> HostedProjection::status() const {
  std::vector<projection::WorkerStatus> all;
  for (const auto& worker : workers_) {
    auto status = worker->status();
    const auto more = remark();
    status.reason += (status.reason.empty() || more.empty() ? "" : "; ") + more;
    all.push_back(std::move(status));
  }
  if (!running_) {
    projection::WorkerStatus status;
    status.projection = name_;
    status.checkpoint = asked_.projection.checkpoint;
    status.partitions = asked_.projection.partitions;
    status.state = shown_;
    status.reason = reason_;
    status.plugin = asked_.projection.plugin;
    all.push_back(std::move(status));
  }
  return all;
}

} // namespace projector::supervisor
