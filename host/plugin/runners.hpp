#pragma once

#include "base/wakeup.hpp"
#include "plugin/runner.hpp"
#include "plugin/runner_watch.hpp"
#include "plugin/start.hpp"

#include <deque>
#include <mutex>
#include <thread>

namespace projector::plugin {

/// Starts the runner processes, watches them and reads what they print, all on one thread. That thread lives as long as
/// this object, since a process that has asked for it (PR_SET_PDEATHSIG) is killed when the thread that made it ends.
/// Owned by the host. SIGCHLD must not be ignored in this process, and nobody may wait for any child.
class Runners {
public:
  /// Throws std::system_error.
  Runners();
  /// As end(). No start() may be under way.
  ~Runners();
  Runners(const Runners&) = delete;
  Runners& operator=(const Runners&) = delete;

  /// Starts a process and returns once its program is executed. Throws std::system_error that says what failed. Any
  /// thread; in a callback it throws.
  [[nodiscard]] Runner start(Start start);
  /// Kills all runners and waits until they are reaped, for at most Runner::kLongestEnd. Handles may live on. Each
  /// later start() throws, and later calls do nothing. Not in a callback.
  void end() noexcept;

private:
  struct Request;
  void run() noexcept;
  Request* next(bool& more);
  void carry_out(Request& request) noexcept;

  base::Wakeup wakeup_;
  RunnerWatch watch_; ///< used by the thread

  std::mutex mutex_;              ///< guards the members below, and what start() waits for
  std::deque<Request*> requests_; ///< each belongs to a start() that waits
  bool ending_ = false;           ///< no further request is taken

  std::thread thread_;
};

} // namespace projector::plugin
