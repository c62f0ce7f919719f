#pragma once

#include "projection/worker.hpp"
#include "supervisor/launch.hpp"

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace projector::supervisor {

/// One projection on this host: the generation that runs, the one that follows it, and the one to go back to while what
/// runs has not committed anything. Owned by the supervisor and used on its thread; it logs.
class HostedProjection {
public:
  /// `services` outlives it.
  HostedProjection(std::string name, const projection::WorkerServices& services);
  ~HostedProjection(); ///< ends the workers and waits for them
  HostedProjection(const HostedProjection&) = delete;
  HostedProjection& operator=(const HostedProjection&) = delete;

  /// Starts a generation; where one runs, once that has finished its batches and ended. On trial where the one before
  /// was in order: when it fails before its first commit, that one comes back.
  void run(Generation generation);
  /// What is asked for cannot run, and what runs goes on.
  void refuse(DesiredProjection asked, const std::string& reason, bool look_again);
  /// There is no file; nothing runs.
  void missing(DesiredProjection asked, std::string reason);
  /// Whether what was asked for last could not be started, though nothing is wrong with it; false again once that was
  /// taken. Nothing of it runs then, or what ran before does.
  [[nodiscard]] bool take_could_not_start() noexcept { return std::exchange(could_not_start_, false); }
  /// The SHA-256 of plugin files with which `wanted` asks for nothing new: what runs already, and what failed.
  [[nodiscard]] std::set<std::string> known_files(const DesiredProjection& wanted) const;
  /// What is asked for is known; `sha256` is one of known_files.
  void unchanged(DesiredProjection asked, const std::string& sha256);
  /// Tells the workers to end.
  void stop();

  /// Goes on after what the workers have come to; true where that changed anything. To be called when a state of theirs
  /// has changed.
  bool step();
  /// It was told to stop, and has.
  [[nodiscard]] bool ended() const noexcept { return then_ == Then::End && !running_; }

  [[nodiscard]] CurrentProjection current() const;
  /// What runs or ends just now, or null.
  [[nodiscard]] const Generation* running() const noexcept { return running_ ? &*running_ : nullptr; }
  /// The version of the read model that is stored, as far as what runs in order tells.
  [[nodiscard]] std::optional<std::uint32_t> read_model_version() const;
  /// Of each worker; or of the whole projection, where it is refused or missing.
  [[nodiscard]] std::vector<projection::WorkerStatus> status() const;

private:
  /// What follows when the workers have ended.
  enum class Then { Start, GoBack, Refuse, End };

  void launch(Generation generation);
  void cannot_start(const std::exception& error);
  bool look_at_trial();
  void end_workers();
  void move_on();
  void retire(std::optional<Generation>& generation) const;
  [[nodiscard]] bool in_order() const;
  [[nodiscard]] bool same_request(const DesiredProjection& wanted, const DesiredProjection& tried) const;
  [[nodiscard]] std::string remark() const;

  const std::string name_;
  const projection::WorkerServices& services_;

  DesiredProjection asked_;
  bool look_again_ = false;
  projection::State shown_ = projection::State::Missing; ///< while nothing runs
  std::string reason_; ///< why it is refused or missing, or why not what is asked for runs

  std::optional<Generation> running_;
  std::vector<std::unique_ptr<projection::Worker>> workers_; ///< of running_
  std::optional<Generation> next_;
  std::optional<Generation> good_; ///< to go back to
  /// Of what went back last, unless something else was asked for since.
  std::optional<DesiredProjection> failed_;
  std::string failed_sha256_;
  std::shared_ptr<std::atomic<bool>> trial_;
  bool ending_ = false; ///< the workers were told to end
  bool keep_ = false;   ///< what ends was in order
  bool could_not_start_ = false;
  Then then_ = Then::Start;
};

} // namespace projector::supervisor
