#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "base/unique_fd.hpp"
#include "base/wakeup.hpp"

#include <functional>
#include <mutex>
#include <thread>

namespace projector::supervisor {

/// Takes the process's signals on a thread of its own, so that they also work while the main thread waits for a
/// database. SIGTERM, SIGINT, the deadline and the end descriptor request the stop; a second SIGTERM or SIGINT ends the
/// process at once. Made before any other thread, since it blocks the signals for all that come later. Owned by
/// run_host.
class SignalThread {
public:
  SignalThread();
  ~SignalThread(); ///< unblocks the signals on the calling thread: SIGTERM and SIGINT end the process then
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

  [[nodiscard]] const base::Stop& stop() const noexcept { return stop_; }
  /// Whether the deadline, and nothing before it, requested the stop.
  [[nodiscard]] bool timed_out() const;

  void end_at(base::TimePoint deadline);
  /// The stop is requested once `fd` is readable; the caller keeps it open.
  void end_when(int fd);
  /// What SIGHUP calls, on this thread. An empty one calls nothing; when this returns the one before runs no more.
  void on_hangup(std::function<void()> hangup);

private:
  void run();
  void take_signals();

  base::UniqueFd signals_;
  base::Wakeup changed_;
  base::Stop stop_;
  base::Stop quit_;

  mutable std::mutex mutex_; ///< guards what follows
  base::TimePoint deadline_ = base::never();
  int end_fd_ = -1;
  bool timed_out_ = false;
  std::function<void()> hangup_;
  std::jthread thread_;
};

} // namespace projector::supervisor
