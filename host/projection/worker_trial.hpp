#pragma once

#include "base/clock.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace projector::projection {

/// Whether one worker of a new generation has proved itself: it has stored a position behind events that the plugin
/// took, or it had no event to handle for long enough. Owned by the worker; its thread only.
class WorkerTrial {
public:
  /// `running` is true while an older generation can come back; null: there is none. `time` is how long a worker
  /// without an event is on trial.
  WorkerTrial(std::shared_ptr<const std::atomic<bool>> running, base::Duration time)
      : running_(std::move(running)), time_(time) {}

  [[nodiscard]] bool running() const noexcept { return running_ && *running_ && !passed_; }
  /// When a worker without an event has passed; nothing where it need not, or where `begin` was not called.
  [[nodiscard]] std::optional<base::TimePoint> ends_at() const noexcept { return running() ? until_ : std::nullopt; }
  /// The worker can handle events from now on, or stands by. Only the first call counts.
  void begin(base::TimePoint now) noexcept { until_ = until_.value_or(now + time_); }
  /// The plugin took a batch of events that ends at `position`.
  void took(std::int64_t position) noexcept { first_taken_ = first_taken_.value_or(position); }

  // These return whether the worker passes with this call.
  bool stored(std::int64_t position) noexcept { return first_taken_ && *first_taken_ <= position && pass(); }
  bool idle(base::TimePoint now) noexcept { return running() && until_ && now >= *until_ && pass(); }
  bool pass() noexcept { return !std::exchange(passed_, true); }

private:
  std::shared_ptr<const std::atomic<bool>> running_;
  base::Duration time_;
  std::optional<base::TimePoint> until_;
  std::optional<std::int64_t> first_taken_; ///< end of the first batch of events that the plugin took
  bool passed_ = false;
};

} // namespace projector::projection
