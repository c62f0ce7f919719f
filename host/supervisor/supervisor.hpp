#pragma once

#include "base/clock.hpp"
#include "base/unique_fd.hpp"
#include "config/load.hpp"
#include "plugin/staging.hpp"
#include "projection/worker.hpp"
#include "supervisor/directory_watch.hpp"
#include "supervisor/reconcile.hpp"

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::supervisor {

/// Holds files and configuration against what runs, and carries out the difference. Everything that may call for a
/// change only says "look again". Owned by the host, used on the main thread; status(), checkpoints() and reload() from
/// any thread.
class Supervisor {
public:
  struct Options {
    std::filesystem::path configuration_file;
    config::Overrides overrides;
    Selection selection;
    base::Duration settle = std::chrono::milliseconds(50); ///< quiet time of a directory before it is looked at
    base::Duration settle_most = std::chrono::seconds(1);  ///< .. after which one that is never quiet is looked at, too
    base::Duration rescan = std::chrono::seconds(5);       ///< for what no watch reports
  };
  /// `loaded.configuration` is present. `services` outlives the supervisor.
  Supervisor(Options options, config::Loaded loaded, const projection::WorkerServices& services);
  /// Every worker has ended.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Scans, reconciles, and goes on whenever something changes, until `stop_fd` is readable; then tells all workers to
  /// end and waits for them.
  void run(int stop_fd);
  /// The configuration is to be read again.
  void reload() noexcept;

  /// Every projection's partitions of this host, those without a worker too.
  [[nodiscard]] std::vector<projection::WorkerStatus> status() const;
  /// Names of the checkpoints of every projection that should run, all partitions of all hosts; nothing before the
  /// first scan.
  [[nodiscard]] std::optional<std::vector<std::string>> checkpoints() const;

private:
  struct Entry {
    DesiredProjection wanted; ///< as it was started, refused or found missing
    std::vector<std::unique_ptr<projection::Worker>> workers;
    projection::State shown = projection::State::Missing; ///< without workers
    std::string reason;
    bool look_again = false;
    bool stopping = false;
    std::uint64_t generation = 0;
  };

  void turn();
  void load_configuration();
  /// What runs from a directory that cannot be read for now is not missing.
  void keep_unreadable(Discovery& discovery);
  void settle_reports();
  void watch_directories();
  [[nodiscard]] Current current() const;
  void carry_out(const Action& action, const Desired& desired);
  void start(const DesiredProjection& wanted);
  void reap();
  void stop_all();
  [[nodiscard]] base::TimePoint next_turn() const;

  const Options options_;
  config::Loaded loaded_;
  const projection::WorkerServices& services_;
  plugin::StagingDirectory staging_;
  DirectoryWatch watch_;
  base::UniqueFd poked_;
  base::TimePoint scan_at_;
  std::optional<base::TimePoint> first_report_; ///< of a directory since the last scan
  std::atomic<bool> reload_ = false;
  std::set<std::string> told_; ///< what was logged once and need not be again

  mutable std::mutex mutex_; ///< guards loaded_, entries_ and desired_ for status(); only the main thread changes them
  std::map<std::string, Entry> entries_;
  std::optional<Desired> desired_; ///< as of the last scan
};

} // namespace projector::supervisor
