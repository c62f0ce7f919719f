#pragma once

#include "projection/worker_status.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace projector::projection {

/// A worker's status: written by the worker's thread, read by any.
class ReportedStatus {
public:
  /// `changed` is called on the writing thread when something that people wait for is another than before.
  ReportedStatus(WorkerStatus status, std::function<void()> changed);

  [[nodiscard]] WorkerStatus get() const;
  [[nodiscard]] State state() const;

  void set_state(State state, std::string reason);
  void set_thread(std::int64_t id);
  void set_opened(bool opened);
  void set_stored(std::int64_t position);
  /// Why what was handed over is not stored, shown where the state has no reason of its own.
  void set_trouble(std::string trouble);
  void passed_trial();
  void reset_committed(); ///< which passes the trial as well
  /// Everything up to `position` is handled; `n_events` were in the last batch.
  void handled(std::int64_t position, std::int64_t stored, std::uint64_t n_events);

private:
  const std::function<void()> changed_;
  mutable std::mutex mutex_; ///< guards what follows
  WorkerStatus status_;
  std::string trouble_;
};

} // namespace projector::projection
