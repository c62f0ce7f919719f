#pragma once

#include "plugin/exit.hpp"
#include "plugin/spawn.hpp"
#include "plugin/usage.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

namespace projector::plugin {

struct RunnerCallbacks {
  std::function<void(int level, std::string_view text)> on_line;
  std::function<void(const Exit&)> on_exit;
};

/// One runner process, from its start to its end. Shared by its handle, whose calls may come from any thread, and the
/// runners' thread, which has made it.
class RunnerProcess {
public:
  /// On the runners' thread.
  RunnerProcess(Spawned spawned, RunnerCallbacks callbacks);

  [[nodiscard]] pid_t pid() const noexcept { return spawned_.pid; }
  void kill() noexcept;
  [[nodiscard]] std::optional<Exit> exit() const;
  [[nodiscard]] std::optional<Usage> usage() const;
  /// Kills it and waits until finish() has been called, for at most `limit`; does not wait on the runners' thread. No
  /// callback runs after that.
  void release(base::Duration limit) noexcept;

  // On the runners' thread:
  [[nodiscard]] int pidfd() const noexcept { return spawned_.pidfd.get(); }
  void line(int level, std::string_view text) noexcept;
  /// Once the pidfd is readable: ends what is left of the process group, and takes the status. Nothing if a debugger
  /// has to take it first.
  std::optional<Exit> reap() noexcept;
  /// Makes the exit known. Called once, after the last line.
  void finish(const Exit& exit) noexcept;
  /// Like finish() for a process that has not ended although it was killed: wakes release(), and nothing else.
  void give_up() noexcept;

private:
  const Spawned spawned_;
  const RunnerCallbacks callbacks_;
  const std::thread::id thread_ = std::this_thread::get_id();
  std::atomic<bool> reaping_ = false; ///< from now on the pid may be another process's

  std::mutex calling_;                 ///< held while a callback runs
  std::atomic<bool> released_ = false; ///< set with calling_ held or on the runners' thread

  mutable std::mutex mutex_; ///< guards the members below
  std::condition_variable changed_;
  std::optional<Exit> exit_;
  bool finished_ = false;
};

} // namespace projector::plugin
