#pragma once

#include "base/clock.hpp"
#include "plugin/facts.hpp"
#include "plugin/outcome.hpp"
#include "plugin/runners.hpp"
#include "plugin/settings.hpp"
#include "plugin/staging.hpp"
#include "plugin/statement_sink.hpp"

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace projector::plugin {

/// What all runners of a host have in common. Outlives them.
struct RunnerHost {
  Runners& runners;
  std::filesystem::path program; ///< projectord-runner
  /// The memory in which all events lie that are handed to plugins: a descriptor that allows reading only, and where
  /// the host has it. -1: there are no events, for a runner that only tells facts.
  int events = -1;
  const void* events_address = nullptr;
  std::size_t events_size = 0;
};

/// What one runner gets.
struct RunnerOptions {
  StagedFile file;
  std::string title; ///< as ps shows it
  bool external = false;
  bool sandbox = true;
  std::string state_directory;                           ///< empty: none
  std::uint64_t memory_max = 0;                          ///< bytes of private memory; 0: no limit
  std::optional<int> nice;                               ///< absent: as the host
  base::Duration handle_timeout = {};                    ///< 0: none; the time of statements does not count
  base::Duration call_timeout = std::chrono::minutes(1); ///< of all calls but handle and destroy
  std::function<void(std::int32_t level, std::string_view text)> log;
};

/// One plugin object, in a process of its own. Used and destroyed on the worker's thread. Once a call finds the process
/// ended, each further call tells so: the owner makes another instance.
class RunnerInstance {
public:
  /// How long a plugin's destroy may take before its process is killed.
  static constexpr base::Duration kDestroyTimeout = std::chrono::seconds(5);

  /// Starts the process, which loads nothing yet. Throws std::system_error.
  RunnerInstance(const RunnerHost& host, RunnerOptions options);
  /// Lets the plugin destroy its object, within the limit.
  ~RunnerInstance();
  RunnerInstance(const RunnerInstance&) = delete;
  RunnerInstance& operator=(const RunnerInstance&) = delete;

  struct Described {
    std::optional<Facts> facts; ///< judged and good
    std::string refusal;        ///< otherwise; begins with the source's path
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
  Outcome reset(StatementSink& transaction);
  /// The plugin's stopping() returns true from now on. Any thread.
  void stop() noexcept;

  /// How the process ended, or was ended, as a sentence without its subject: "died of signal 11 (Segmentation fault) at
  /// revenue.so+0x1170 in handle". Nothing while it is usable.
  [[nodiscard]] const std::optional<std::string>& ended() const noexcept;
  [[nodiscard]] pid_t pid() const noexcept;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace projector::plugin
