#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "projection/background_session.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/worker_status.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace projector::projection {

/// A projection's row, read by one statement.
struct StoredProjection {
  std::uint32_t partitions = 1;
  std::int64_t epoch = 0;
  std::int64_t rebuild_requested = 0; ///< number of the open request for a rebuild; 0 if there is none
};

/// An operator's request for a rebuild. The reset that serves it raises the epoch and takes its number back, so that
/// only both together tell it from an earlier request.
struct RebuildRequest {
  std::int64_t epoch = 0; ///< in which it was made
  std::int64_t number = 0;
  friend bool operator==(const RebuildRequest&, const RebuildRequest&) = default;
};

/// All rows of projector_projections, by the checkpoint's base name.
struct StoredProjections {
  base::TimePoint queried_at; ///< everything that was committed before this time is in it
  std::map<std::string, StoredProjection> by_checkpoint;
};

/// Reads all rows. Throws pg::Error, with SQLSTATE 55P03 where the table stays locked for `lock_timeout`;
/// pg::Interrupted.
StoredProjections read_projections(pg::Connection& connection, const CheckpointTables& tables,
                                   base::Duration lock_timeout);

/// Writes what people and other hosts look at: the workers' states with a heartbeat, and the settled position; and
/// reads what operators ask for. It has one thread and one session, and no batch or checkpoint waits for it. Owned by
/// the program; poke from any thread.
class Bookkeeper {
public:
  struct Options {
    pg::ConnectOptions connect;
    std::string host; ///< who writes: shown by status, tells two hosts apart
    base::Duration heartbeat = std::chrono::seconds(1);
    base::Duration lock_timeout = std::chrono::milliseconds(500); ///< for each of its statements
    std::shared_ptr<const StoredProjections> stored = {};         ///< as read before, see stored()
    std::function<void(const std::string&)> report;               ///< trouble that people should read; on this thread
  };
  Bookkeeper(Options options, const CheckpointTables& tables, eventlog::EventLog& log);
  /// Writes the last states, for a second at most, and ends the thread.
  ~Bookkeeper();
  Bookkeeper(const Bookkeeper&) = delete;
  Bookkeeper& operator=(const Bookkeeper&) = delete;

  /// The projections' rows as read last; null before the first time. Any thread.
  [[nodiscard]] std::shared_ptr<const StoredProjections> stored() const;
  /// The open requests, by the checkpoint's base name.
  using RebuildRequests = std::map<std::string, RebuildRequest>;
  /// `source` returns the states to write, and `requested` is called with all open requests after each round; both on
  /// the bookkeeper's thread. Set before the first worker starts. When this returns, the functions that were set before
  /// are not running any more.
  void publish_from(std::function<std::vector<WorkerStatus>()> source,
                    std::function<void(const RebuildRequests&)> requested = {});
  /// A state has changed: write it soon.
  void poke();

  enum class Hearing {
    NotYet,  ///< none was written so far, and none has failed
    Heard,   ///< all were written
    Unheard, ///< one failed or was late
  };
  /// Whether this host's own heartbeats were written within the last `interval`. Another host's silence means that it
  /// has ended only if they were, since a lock on the table silences all hosts. Any thread.
  [[nodiscard]] Hearing hearing(base::Duration interval) const;

private:
  enum Step : std::size_t { kStates, kProjections, kSettled };
  void run();
  /// Runs all steps once; a step that fails does not keep the others from running. False where one failed.
  bool publish();
  bool attempt(Step step, const std::function<void()>& action);
  void publish_states(const std::vector<WorkerStatus>& statuses);
  void write_states(const std::vector<WorkerStatus>& statuses);
  void write_row_apart(const std::vector<std::string>& names, WorkerStatus& row);
  /// `all_names` are of all rows that this host has; others of it are deleted.
  void write_rows(const std::vector<std::string>& all_names, const std::vector<WorkerStatus>& rows);
  void look_at_projections();
  void store_settled();

  Options options_;
  const CheckpointTables& tables_;
  eventlog::EventLog& log_;
  base::Stop stop_;
  BackgroundSession session_;
  std::int64_t stored_settled_ = -1;

  mutable std::mutex mutex_; ///< guards what follows
  std::condition_variable_any changed_;
  bool poked_ = false;
  std::shared_ptr<const StoredProjections> stored_;
  base::TimePoint written_at_ = base::TimePoint::min(); ///< the last heartbeat that was written
  base::TimePoint unheard_at_ = base::TimePoint::min(); ///< when a heartbeat last failed or was late

  std::mutex source_mutex_; ///< guards both, also while they are called
  std::function<std::vector<WorkerStatus>()> source_;
  std::function<void(const RebuildRequests&)> requested_;
  std::jthread thread_;
};

} // namespace projector::projection
