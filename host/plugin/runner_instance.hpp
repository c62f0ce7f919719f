#pragma once

#include "base/clock.hpp"
#include "plugin/facts.hpp"
#include "plugin/outcome.hpp"
#include "plugin/runner_host.hpp"
#include "plugin/settings.hpp"
#include "plugin/staging.hpp"
#include "plugin/statement_sink.hpp"
#include "plugin/usage.hpp"

#include <projector/plugin.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace projector::plugin {

/// What one runner gets.
struct RunnerOptions {
  StagedFile file;  ///< the copy is there while runners may be started from it
  std::string name; ///< of what it runs, in ps and in its main thread's name: "revenue 3/4"
  bool external = false;
  bool sandbox = true;
  std::vector<std::string> readable = {};                ///< paths that a sandboxed plugin may read and execute
  std::vector<std::string> writable = {};                ///< paths that it may read and write
  std::string state_directory = {};                      ///< empty: none
  std::uint64_t memory_max = 0;                          ///< bytes of private memory; 0: no limit
  std::optional<int> nice = std::nullopt;                ///< absent: as the host
  base::Duration handle_timeout = {};                    ///< 0: none; the time of statements does not count
  base::Duration call_timeout = std::chrono::minutes(1); ///< of all calls but handle and destroy
  /// Gets valid UTF-8, a line at a time, on the runners' thread.
  std::function<void(std::int32_t level, std::string_view text)> log = {};
};

/// One plugin object, in a process of its own. Used and destroyed on the worker's thread, but for stop() and usage().
/// Once a call finds the process ended, each further call says so: the owner makes another instance. What a call throws
/// comes from the transaction, and ends the process.
class RunnerInstance {
public:
  /// How long a plugin's destroy may take before its process is killed.
  static constexpr base::Duration kDestroyTimeout = std::chrono::seconds(5);
  /// How long a call may go on after stop(), before the process is killed.
  static constexpr base::Duration kStopGrace = std::chrono::seconds(10);

  /// Starts the process, which loads nothing yet. Throws std::system_error.
  RunnerInstance(const RunnerHost& host, RunnerOptions options);
  /// Lets the plugin destroy its object, within the limit.
  ~RunnerInstance();
  RunnerInstance(const RunnerInstance&) = delete;
  RunnerInstance& operator=(const RunnerInstance&) = delete;

  struct Described {
    std::optional<Facts> facts; ///< judged and good
    std::string refusal;        ///< otherwise; begins with the source's path
    std::string unprotected;    ///< what the system does not let the sandbox limit, in a line; empty: nothing
  };
  Described describe();
  struct Object {
    std::string projection_name;
    std::uint32_t partition_key = 0;
    std::uint32_t total_partitions = 1;
    Settings settings = {};
  };
  Outcome create(const Object& object);
  Outcome setup(StatementSink& transaction);
  /// The events lie in the memory that the host shares. `transaction` is null for EXTERNAL plugins.
  Outcome handle(StatementSink* transaction, const projector_batch& batch);
  /// Is told to the plugin with the next call.
  void finished(bool committed);
  /// Calls the plugin's finished now, if it was not told yet.
  void tell_finished();
  Outcome reset(StatementSink& transaction);
  /// The plugin's stopping() returns true from now on, and a call that goes on for kStopGrace ends with the process.
  /// Any thread.
  void stop() noexcept;

  /// How the process ended, or was ended: "its process ended in handle with signal 11 (Segmentation fault) at
  /// revenue.so+0x1170, address 0x8". Nothing while it is usable.
  [[nodiscard]] const std::optional<std::string>& ended() const noexcept;
  /// Whether it ended in handle, so that one of the batch's events may be the cause.
  [[nodiscard]] bool ended_at_an_event() const noexcept;
  /// Takes note of a process that ended between two calls; see ended().
  void look();
  [[nodiscard]] pid_t pid() const noexcept;
  /// What the process uses, or has used if it has ended. Any thread.
  [[nodiscard]] Usage usage() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace projector::plugin
