#pragma once

#include "projection/worker.hpp"
#include "supervisor/launch.hpp"
#include "supervisor/plugin_thread.hpp"
#include "supervisor/rollout.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace projector::supervisor {

/// One projection on this host: the last request, its generations, and the workers of the running one. Owned by the
/// supervisor and used on its thread; it logs.
class HostedProjection {
public:
  /// `services` and `plugins` outlive it.
  HostedProjection(std::string name, const projection::WorkerServices& services, PluginThread& plugins);
  ~HostedProjection(); ///< ends the workers and waits for them
  HostedProjection(const HostedProjection&) = delete;
  HostedProjection& operator=(const HostedProjection&) = delete;

  /// Starts a generation. If one is running, it finishes its batches and ends first. If that one worked, the new one is
  /// on trial: if it fails before the trial has ended, the old one comes back.
  void run(Generation generation);
  /// The request cannot be carried out; a running generation goes on. `retry`: the file seemed half written.
  void refuse(DesiredProjection request, const std::string& reason, bool retry);
  /// There is no plugin file, and nothing runs.
  void missing(DesiredProjection request, const std::string& reason);
  /// Whether the last request could not be started for lack of resources, so that it should be tried again. The next
  /// call returns false.
  [[nodiscard]] bool take_could_not_start() noexcept { return std::exchange(could_not_start_, false); }
  /// The SHA-256 of plugin files with which `wanted` needs no new generation: of the running file, and of one that
  /// failed its trial under the same request.
  [[nodiscard]] std::set<std::string> known_files(const DesiredProjection& wanted) const;
  /// The requested file is already running, or failed its trial before; `sha256` is one of known_files.
  void unchanged(DesiredProjection request, const std::string& sha256);
  /// Tells the workers to end.
  void stop();

  /// Reacts to the states of the workers; true if anything changed. To be called when the state of a worker has
  /// changed.
  bool step();
  /// Whether stop() was called and all workers have ended.
  [[nodiscard]] bool ended() const noexcept { return rollout_.in<Rollout::Stopped>() != nullptr; }

  [[nodiscard]] CurrentProjection current() const;
  /// The generation that runs or is ending, or null.
  [[nodiscard]] const Generation* running() const noexcept { return rollout_.current(); }
  /// The stored version of the read model, if a working generation shows it.
  [[nodiscard]] std::optional<std::uint32_t> read_model_version() const;
  /// One for each worker; one for the whole projection if it is refused or missing.
  [[nodiscard]] std::vector<projection::WorkerStatus> status() const;

private:
  /// The result of the last request.
  struct Accepted {};
  struct Refused {
    std::string reason;
    bool retry = false;
  };
  struct Missing {
    std::string reason;
  };
  /// A generation failed its trial; the same request is not tried again.
  struct RolledBack {
    std::string reason;
    DesiredProjection wanted;
    std::string sha256;
  };
  using Answer = std::variant<Accepted, Refused, Missing, RolledBack>;

  void launch();
  void cannot_start(const std::exception& error);
  bool look_at_trial();
  void end_workers();
  void close(Rollout::Unneeded unneeded) const;
  [[nodiscard]] bool in_order() const;
  [[nodiscard]] bool same_request(const DesiredProjection& wanted, const DesiredProjection& tried) const;
  [[nodiscard]] std::string reason() const;
  [[nodiscard]] std::string remark() const;

  const std::string name_;
  const projection::WorkerServices& services_;
  PluginThread& plugins_;

  DesiredProjection requested_;
  Answer answer_;
  bool could_not_start_ = false;
  Rollout rollout_;
  std::vector<std::unique_ptr<projection::Worker>> workers_; ///< of rollout_.current()
};

} // namespace projector::supervisor
