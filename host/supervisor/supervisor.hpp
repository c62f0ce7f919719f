#pragma once

#include "base/clock.hpp"
#include "base/wakeup.hpp"
#include "plugin/staging.hpp"
#include "projection/bookkeeper.hpp"
#include "supervisor/caught_up.hpp"
#include "supervisor/configuration_source.hpp"
#include "supervisor/directory_watch.hpp"
#include "supervisor/hosted_projection.hpp"
#include "supervisor/plugin_thread.hpp"
#include "supervisor/reconcile.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::supervisor {

/// Compares files, configuration and operators' requests with what runs, and carries out the difference. Signals,
/// watches and workers only trigger a new comparison. Owned by the host, used on the main thread; status(), outlook(),
/// reload() and request() from any thread.
class Supervisor {
public:
  struct Options {
    Selection selection;
    projection::NamedProjections projections = {};          ///< those that have a checkpoint when the host starts
    base::Duration settle = std::chrono::milliseconds(50);  ///< quiet time of a directory before it is scanned
    base::Duration settle_most = std::chrono::seconds(1);   ///< .. after which it is scanned even if it is not quiet
    base::Duration rescan = std::chrono::seconds(5);        ///< finds changes that no watch reports
    base::Duration absent = std::chrono::milliseconds(100); ///< a file that is missing for less is being replaced
  };
  /// `changed` is set when a worker's state has changed; it and `services` outlive the supervisor.
  Supervisor(Options options, ConfigurationSource configuration, const projection::WorkerServices& services,
             base::Wakeup& changed);
  /// To be called after run() has returned: every worker has ended.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Describes what ran when the end of the host was requested.
  struct Ended {
    base::TimePoint began; ///< time of the request
    std::size_t projections = 0;
    std::size_t partitions = 0;
  };
  /// Scans, reconciles, and goes on whenever something changes, until `stop_fd` is readable; then requests all workers
  /// to end and waits for them.
  Ended run(int stop_fd);
  /// Requests that the configuration is read again.
  void reload() noexcept;
  /// Replaces the open requests for rebuilds.
  void request(const projection::Bookkeeper::RebuildRequests& rebuilds);

  /// Of all projections' partitions on this host, including those without a worker.
  [[nodiscard]] std::vector<projection::WorkerStatus> status() const;
  /// What to wait for until everything has caught up; nothing before the first scan.
  [[nodiscard]] std::optional<Outlook> outlook() const;

private:
  /// Pause before a file that seemed half written is read again.
  static constexpr base::Duration kRetryHalfWritten = std::chrono::milliseconds(250);

  /// A launch on the plugin thread.
  struct Preparing {
    DesiredProjection wanted;
    base::TimePoint requested_at; ///< like in projection::WorkerAssignment
    std::uint64_t ticket = 0;
  };

  void turn();
  void scan();
  [[nodiscard]] std::map<std::string, std::uint32_t> stored_partitions() const;
  /// Logs how to give all workers a share if the stored count leaves some of them without one.
  void report_idle_workers(const Desired& desired);
  void reload_configuration();
  void sealed_turn(); ///< logs exceptions of turn() and schedules a new scan
  /// Projections that run from a directory which cannot be read now are not missing.
  void keep_unreadable(Discovery& discovery);
  /// A file that was unlinked a moment ago may be about to come back. True if there is one.
  bool keep_absent(Discovery& discovery);
  void report_shadowed(const Discovery& discovery);
  /// Logs probable mistakes, each once while it lasts.
  void report_findings(const Discovery& discovery);
  /// Adds the names in the configuration and in refused files to `named_`, and logs which plugins are not autostarted
  /// for that. Returns the names of projections and plugins in refused files.
  std::set<std::string> remember_names(const Discovery& discovery);
  void settle_reports();
  void watch_directories();
  [[nodiscard]] Current current() const;
  void carry_out(const Action& action, const Desired& desired);
  void carry_out_sealed(const Action& action, const Desired& desired);
  void start(const DesiredProjection& wanted);
  HostedProjection& hosted(const std::string& name);
  /// Continues with the results of the plugin thread.
  bool take_prepared();
  void go_on(PluginThread::Prepared& prepared, const Preparing& request);
  [[nodiscard]] std::string refuse_partitions(const DesiredProjection& wanted) const;
  /// Schedules a retry of the projection, each time after a longer pause.
  void try_again(const std::string& projection);
  void step();
  bool step_all(); ///< true if anything changed; mutex_ is held
  Ended stop_all();
  [[nodiscard]] std::vector<projection::WorkerStatus> statuses() const; ///< mutex_ is held

  const Options options_;
  ConfigurationSource configuration_; ///< see mutex_
  const projection::WorkerServices& services_;
  base::Wakeup& changed_;
  plugin::StagingDirectory staging_;
  PluginThread plugins_;
  DirectoryWatch watch_;
  base::TimePoint scan_at_;
  /// When the current scan began. Events that were read earlier are not used for what it starts; there are none before
  /// the first scan.
  base::TimePoint scan_began_;
  bool scanned_ = false;
  std::optional<base::TimePoint> first_report_; ///< first report of a directory since the last scan
  std::atomic<bool> reload_ = false;
  std::atomic<bool> look_ = false;
  std::set<std::string> reported_; ///< messages that were logged and are not repeated
  std::set<std::string> findings_; ///< of the last scan
  std::map<std::string, base::TimePoint> absent_since_;
  NamedPlugins named_;
  TableOwners owners_;
  std::map<std::string, std::uint64_t> generations_; ///< started so far, by projection
  /// Retries of projections that could not be started for lack of resources.
  struct Again {
    base::TimePoint at;
    base::Duration pause; ///< pause before `at`
  };
  std::map<std::string, Again> again_;

  mutable std::mutex mutex_; ///< guards all members below and configuration_; only the main thread changes them
  std::map<std::string, HostedProjection> hosted_;
  std::map<std::string, Preparing> preparing_; ///< by projection
  std::optional<Desired> desired_;             ///< as of the last scan
  std::vector<std::string> picked_in_vain_; ///< names in --only and --except without a projection, as of the last scan
  projection::Bookkeeper::RebuildRequests rebuilds_; ///< changed by any thread
};

} // namespace projector::supervisor
