#pragma once

#include "plugin/exit.hpp"
#include "plugin/usage.hpp"

#include <memory>
#include <optional>
#include <sys/types.h>

namespace projector::plugin {

class RunnerProcess;

/// Owns one runner process that Runners has started. It may outlive Runners. Calls from any thread.
class Runner {
public:
  /// How long the destructor waits for a process that was killed. Only one that hangs in the kernel takes that long.
  static constexpr base::Duration kLongestEnd = std::chrono::seconds(5);

  explicit Runner(std::shared_ptr<RunnerProcess> process) noexcept;
  /// Kills the process and waits until it is reaped and on_exit has returned; no callback runs after that. The caller
  /// must not hold a lock that a callback takes. On the runners' thread, in a callback, it does not wait.
  ~Runner();
  Runner(Runner&& other) noexcept;
  Runner& operator=(Runner&& other) noexcept;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  [[nodiscard]] pid_t pid() const noexcept;
  /// Sends SIGKILL and does not wait. Harmless once the process has ended.
  void kill() noexcept;
  /// Nothing while it runs; set before on_exit is called.
  [[nodiscard]] std::optional<Exit> exit() const;
  /// Nothing if it has ended. Reads files of /proc.
  [[nodiscard]] std::optional<Usage> usage() const;

private:
  void release() noexcept;
  std::shared_ptr<RunnerProcess> process_; ///< null: moved away
};

} // namespace projector::plugin
