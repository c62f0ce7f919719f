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

/// Compares files, configuration and operators' requests with what runs, and carries out the difference. Everything
/// that may call for a change only says "look again". Owned by the host, used on the main thread; status(),
/// outlook(), reload() and request() from any thread.
class Supervisor {
public:
  struct Options {
    Selection selection;
    projection::NamedProjections projections = {};         ///< that have a checkpoint when the host starts
    base::Duration settle = std::chrono::milliseconds(50); ///< quiet time of a directory before it is looked at
    base::Duration settle_most = std::chrono::seconds(1);  ///< .. after which one that is never quiet is looked at, too
    base::Duration rescan = std::chrono::seconds(5);       ///< for what no watch reports
    base::Duration absent = std::chrono::milliseconds(100); ///< a file that is away for less was being replaced
  };
  /// `changed` is set where a worker's state has changed; it and `services` outlive the supervisor.
  Supervisor(Options options, ConfigurationSource configuration, const projection::WorkerServices& services,
             base::Wakeup& changed);
  /// Every worker has ended.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// What ran when the host was requested to end.
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
  /// All open requests for rebuilds.
  void request(const projection::Bookkeeper::RebuildRequests& rebuilds);

  /// Every projection's partitions of this host, those without a worker too.
  [[nodiscard]] std::vector<projection::WorkerStatus> status() const;
  /// What to wait for until everything has caught up; nothing before the first scan.
  [[nodiscard]] std::optional<Outlook> outlook() const;

private:
  /// After which a file that seemed half written is looked at again.
  static constexpr base::Duration kLookAgain = std::chrono::milliseconds(250);

  /// A launch that the plugin thread is at.
  struct Preparing {
    DesiredProjection wanted;
    base::TimePoint asked_at; ///< as in projection::WorkerAssignment
    std::uint64_t ticket = 0;
  };

  void turn();
  void scan();
  [[nodiscard]] std::map<std::string, std::uint32_t> stored_partitions() const;
  /// Says how to give all workers a share, where the stored count leaves some of them without.
  void tell_idle_workers(const Desired& desired);
  void reload_configuration();
  void sealed_turn(); ///< logs what it throws, and has another look later
  /// What runs from a directory that cannot be read for now is not missing.
  void keep_unreadable(Discovery& discovery);
  /// A file that was unlinked a moment ago may be about to come back; true where that is so of any.
  bool keep_absent(Discovery& discovery);
  void tell_shadowed(const Discovery& discovery);
  /// Logs probable mistakes, each once for as long as it lasts.
  void tell_findings(const Discovery& discovery);
  /// Remembers what configuration and refused files name, and logs what is therefore not autostarted; returns the names
  /// of projections and plugins of refused files.
  std::set<std::string> remember_names(const Discovery& discovery);
  void settle_reports();
  void watch_directories();
  [[nodiscard]] Current current() const;
  void carry_out(const Action& action, const Desired& desired);
  void carry_out_sealed(const Action& action, const Desired& desired);
  void start(const DesiredProjection& wanted);
  HostedProjection& hosted(const std::string& name);
  /// Goes on with what the plugin thread has made ready.
  bool take_prepared();
  void go_on(PluginThread::Prepared& prepared, const Preparing& asked);
  [[nodiscard]] std::string refuse_partitions(const DesiredProjection& wanted) const;
  /// The projection is to be tried again by itself, each time after a longer pause.
  void try_again(const std::string& projection);
  void step();
  bool step_all(); ///< true where anything changed; mutex_ is held
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
  /// When the running scan began to look at what people changed; for the first one nothing was read before.
  base::TimePoint scan_began_;
  bool scanned_ = false;
  std::optional<base::TimePoint> first_report_; ///< of a directory since the last scan
  std::atomic<bool> reload_ = false;
  std::atomic<bool> look_ = false;
  std::set<std::string> told_;     ///< messages that were logged and are not repeated
  std::set<std::string> findings_; ///< of the last scan
  std::map<std::string, base::TimePoint> absent_since_;
  NamedPlugins named_;
  TableOwners owners_;
  std::map<std::string, std::uint64_t> generations_; ///< started so far, by projection
  /// Projections that the system had too little for, and that were not forgotten since.
  struct Again {
    base::TimePoint at;
    base::Duration pause; ///< before that
  };
  std::map<std::string, Again> again_;

  mutable std::mutex mutex_; ///< guards all members below and configuration_; only the main thread changes them
  std::map<std::string, HostedProjection> hosted_;
  std::map<std::string, Preparing> preparing_;       ///< by projection
  std::optional<Desired> desired_;                   ///< as of the last scan
  std::vector<std::string> picked_in_vain_;          ///< likewise, by --only and --except
  projection::Bookkeeper::RebuildRequests rebuilds_; ///< changed by any thread
};

} // namespace projector::supervisor
