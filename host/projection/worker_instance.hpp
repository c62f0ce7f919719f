#pragma once

#include "plugin/runner_instance.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sys/types.h>

namespace projector::projection {

/// The plugin instance of one worker, in one process after the other. The worker's thread starts, calls and ends it;
/// stop() and process() from any thread.
class WorkerInstance {
public:
  WorkerInstance() = default;
  WorkerInstance(const WorkerInstance&) = delete;
  WorkerInstance& operator=(const WorkerInstance&) = delete;

  /// Starts a process, after the one before has ended. Throws std::system_error.
  void start(const plugin::RunnerHost& host, plugin::RunnerOptions options);
  /// Lets the plugin destroy its object, and ends the process.
  void end() noexcept;
  /// Present between start() and end().
  plugin::RunnerInstance* operator->() noexcept { return instance_.get(); }
  [[nodiscard]] bool started() const noexcept { return instance_ != nullptr; }

  /// See plugin::RunnerInstance::stop; counts for processes that are started later, too.
  void stop() noexcept;

  struct Process {
    pid_t pid = 0;              ///< 0: there is none
    std::uint64_t restarts = 0; ///< processes that have ended by themselves or were killed for what they did
    plugin::Usage usage;        ///< CPU time of all processes so far, memory of the current one
  };
  /// Reads /proc at most once a second, which takes some 0.1 ms, and repeats its last answer otherwise.
  [[nodiscard]] Process process() const;

private:
  /// Adds what the process has used. `mutex_` is held.
  void count_end() noexcept;

  mutable std::mutex mutex_; ///< guards instance_ where other threads use it, and all below
  std::unique_ptr<plugin::RunnerInstance> instance_;
  bool stopped_ = false;
  std::uint64_t restarts_ = 0;
  base::Duration cpu_of_ended_ = {};
  mutable Process last_;
  mutable base::TimePoint looked_at_ = {};
};

} // namespace projector::projection
