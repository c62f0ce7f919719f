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
/// database. SIGTERM, SIGINT, the deadline and the descriptor of end_when() request the stop; a second SIGTERM or
/// SIGINT ends the process at once. Made before any other thread, since the threads that are started later inherit the
/// blocked signals. Owned by run_host.
class SignalThread {
public:
  SignalThread();
  ~SignalThread(); ///< unblocks the signals on the calling thread: SIGTERM and SIGINT end the process then
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

  [[nodiscard]] const base::Stop& stop() const noexcept { return stop_; }
  /// Whether the stop was requested by the deadline.
  [[nodiscard]] bool timed_out() const;

  void end_at(base::TimePoint deadline);
  /// The stop is requested once `fd` is readable; the caller keeps it open.
  void end_when(int fd);
  /// Sets the function that SIGHUP calls on the signal thread; an empty one does nothing. When this returns, the former
  /// function does not run any more.
  void on_hangup(std::function<void()> hangup);

private:
  void run();
  void take_signals();

  base::UniqueFd signals_;
  base::Wakeup changed_;
  base::Stop stop_;
  base::Stop quit_;

  mutable std::mutex mutex_; ///< guards the members below, except the thread
  base::TimePoint deadline_ = base::never();
  int end_fd_ = -1;
  bool timed_out_ = false;
  std::function<void()> hangup_;
  std::jthread thread_;
};

} // namespace projector::supervisor
