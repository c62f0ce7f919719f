#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_group.hpp"
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

/// The answer to one handed-over position, waited for or looked at by the worker that asked.
class Handover {
public:
  enum class Answer {
    Pending,
    Written,
    Moved,     ///< the checkpoint is not where this worker left it
    StoreLost, ///< the store connection was lost since the events were read: read the checkpoint again
  };
  [[nodiscard]] Answer answer() const;
  /// Waits for the answer, for at most `limit`; Pending where there is none by then or `stop` was requested.
  Answer wait(const base::Stop& stop, base::Duration limit);

private:
  friend class Bookkeeper;
  void set(Answer answer);
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Answer answer_ = Answer::Pending;
};

/// The one thread and connection for what is written outside batch transactions: grouped checkpoints, the workers'
/// states and heartbeats, the settled position. Owned by the program; submit and poke from any thread.
class Bookkeeper {
public:
  struct Options {
    pg::ConnectOptions connect;
    std::string host; ///< who writes: shown by status, tells two hosts apart
    base::Duration heartbeat = std::chrono::seconds(1);
    bool same_server = true; ///< read model and events are of one server: a crash takes both back
    std::function<void(const std::string&)> report; ///< trouble that people should read; on this thread
  };
  Bookkeeper(Options options, const CheckpointTables& tables, eventlog::EventLog& log);
  /// Writes what was handed over and the last states, for a second at most, and ends the thread.
  ~Bookkeeper();
  Bookkeeper(const Bookkeeper&) = delete;
  Bookkeeper& operator=(const Bookkeeper&) = delete;

  /// Hands over a position. `incarnation` is of the segments behind it, `read_at` the oldest of them.
  std::shared_ptr<Handover> submit(GroupedMove move, std::uint64_t incarnation, base::TimePoint read_at);
  /// What operators ask for: a number that is higher for each new request, by the checkpoint's base name.
  using RebuildRequests = std::map<std::string, std::int64_t>;
  /// What is written as the workers' states, and who is told all open requests after each time; both are called on this
  /// thread. Set before the first worker starts. When this returns, those before are not being called any more.
  void publish_from(std::function<std::vector<WorkerStatus>()> source,
                    std::function<void(const RebuildRequests&)> requested = {});
  /// A state has changed: write it soon.
  void poke();

private:
  struct Pending {
    GroupedMove move;
    std::uint64_t incarnation;
    base::TimePoint read_at;
    std::shared_ptr<Handover> handover;
  };
  void run();
  void work(std::vector<Pending>& pending, bool publish_now);
  bool attempt(const std::function<void()>& step); ///< false, and reported once, where it failed
  void write(std::vector<Pending>& pending);
  void publish();
  void write_states(pg::Connection& session, const std::vector<WorkerStatus>& statuses);
  void store_settled(pg::Connection& session);
  RebuildRequests read_requests(pg::Connection& session);
  pg::Connection& connection();

  Options options_;
  const CheckpointTables& tables_;
  eventlog::EventLog& log_;
  base::Stop stop_;
  std::unique_ptr<pg::Connection> connection_;
  std::int64_t stored_settled_ = -1;
  bool reported_ = false; ///< the last attempt failed, and that was reported

  std::mutex mutex_; ///< guards what follows
  std::condition_variable_any changed_;
  std::vector<Pending> pending_;
  bool poked_ = false;

  std::mutex source_mutex_; ///< guards both, also while they are called
  std::function<std::vector<WorkerStatus>()> source_;
  std::function<void(const RebuildRequests&)> requested_;
  std::jthread thread_;
};

} // namespace projector::projection
