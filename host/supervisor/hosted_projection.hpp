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

/// One projection on this host: what was asked for last, its generations, and the workers of the one that runs. Owned
/// by the supervisor and used on its thread; it logs.
class HostedProjection {
public:
  /// `services` and `plugins` outlive it.
  HostedProjection(std::string name, const projection::WorkerServices& services, PluginThread& plugins);
  ~HostedProjection(); ///< ends the workers and waits for them
  HostedProjection(const HostedProjection&) = delete;
  HostedProjection& operator=(const HostedProjection&) = delete;

  /// Starts a generation; where one runs, once that has finished its batches and ended. On trial where the one before
  /// was in order: when it fails before its trial has ended, that one comes back.
  void run(Generation generation);
  /// The request cannot be carried out; what runs goes on. `look_again`: the file seemed half written.
  void refuse(DesiredProjection asked, const std::string& reason, bool look_again);
  /// There is no plugin file, and nothing runs.
  void missing(DesiredProjection asked, const std::string& reason);
  /// Whether the last request could not be started, though nothing is wrong with it; false again once that was taken.
  /// Nothing of it runs then, or what ran before does.
  [[nodiscard]] bool take_could_not_start() noexcept { return std::exchange(could_not_start_, false); }
  /// The SHA-256 of plugin files with which `wanted` asks for nothing new: the one that runs already, and the one that
  /// failed its trial.
  [[nodiscard]] std::set<std::string> known_files(const DesiredProjection& wanted) const;
  /// The requested file is already running, or failed its trial before; `sha256` is one of known_files.
  void unchanged(DesiredProjection asked, const std::string& sha256);
  /// Tells the workers to end.
  void stop();

  /// Acts on the states that the workers have reached; true where that changed anything. To be called when the state of
  /// a worker has changed.
  bool step();
  /// It was told to stop, and all its workers have ended.
  [[nodiscard]] bool ended() const noexcept { return rollout_.in<Rollout::Stopped>() != nullptr; }

  [[nodiscard]] CurrentProjection current() const;
  /// What runs or is ending now, or null.
  [[nodiscard]] const Generation* running() const noexcept { return rollout_.current(); }
  /// The version of the read model that is stored, as far as a generation in order tells.
  [[nodiscard]] std::optional<std::uint32_t> read_model_version() const;
  /// Of each worker; or of the whole projection, where it is refused or missing.
  [[nodiscard]] std::vector<projection::WorkerStatus> status() const;

private:
  /// What came of the last request.
  struct Accepted {};
  struct Refused {
    std::string reason;
    bool look_again = false;
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

  DesiredProjection asked_;
  Answer answer_;
  bool could_not_start_ = false;
  Rollout rollout_;
  std::vector<std::unique_ptr<projection::Worker>> workers_; ///< of rollout_.current()
};

} // namespace projector::supervisor
