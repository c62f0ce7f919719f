#include "projection/reported_status.hpp"

#include <utility>

namespace projector::projection {

ReportedStatus::ReportedStatus(WorkerStatus status, std::function<void()> changed)
    : changed_(std::move(changed)), status_(std::move(status)) {}

WorkerStatus ReportedStatus::get() const {
  const std::lock_guard lock(mutex_);
  WorkerStatus status = status_;
  if (status.reason.empty()) {
    status.reason = trouble_;
  }
  return status;
}

State ReportedStatus::state() const {
  const std::lock_guard lock(mutex_);
  return status_.state;
}

void ReportedStatus::set_state(State state, std::string reason) {
  {
    const std::lock_guard lock(mutex_);
    if (status_.state == state && status_.reason == reason) {
      return;
    }
    status_.state = state;
    status_.reason = std::move(reason);
  }
  changed_();
}

void ReportedStatus::set_thread(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  status_.thread = id;
}

void ReportedStatus::set_opened(bool opened) {
  const std::lock_guard lock(mutex_);
  status_.opened = opened;
}

void ReportedStatus::set_stored(std::int64_t position) {
  const std::lock_guard lock(mutex_);
  status_.stored = position;
}

void ReportedStatus::set_trouble(std::string trouble) {
  {
    const std::lock_guard lock(mutex_);
    if (trouble_ == trouble) {
      return;
    }
    trouble_ = std::move(trouble);
  }
  changed_();
}

void ReportedStatus::passed_trial() {
  {
    const std::lock_guard lock(mutex_);
    status_.passed_trial = true;
  }
  changed_();
}

void ReportedStatus::reset_committed() {
  {
    const std::lock_guard lock(mutex_);
    status_.opened = status_.passed_trial = true;
  }
  changed_();
}

void ReportedStatus::handled(std::int64_t position, std::int64_t stored, std::uint64_t n_events) {
  const std::lock_guard lock(mutex_);
  status_.position = position;
  status_.stored = stored;
  status_.handled += n_events;
  status_.batches += n_events > 0 ? 1 : 0;
}

} // namespace projector::projection
