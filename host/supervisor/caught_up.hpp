#pragma once

#include "base/stop.hpp"
#include "base/wakeup.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/worker_status.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace projector::supervisor {

/// Watches the stored checkpoints until each has reached what was committed when it was made. Its own thread and
/// connection, so that it sees what other hosts store too. Owned by the host.
class CaughtUp {
public:
  /// `names` gives the checkpoints to wait for, or nothing while they are not known yet, and `workers` what runs here;
  /// both are asked again at each look. A read model that is to be emptied first has not caught up, wherever its
  /// checkpoints stand: a request for that is open, or a worker has not opened its checkpoint yet.
  CaughtUp(pg::ConnectOptions connect, const projection::CheckpointTables& tables, eventlog::EventLog& log,
           std::function<std::optional<std::vector<std::string>>()> names,
           std::function<std::vector<projection::WorkerStatus>()> workers = {});
  ~CaughtUp();

  /// Readable once everything has caught up.
  [[nodiscard]] int fd() const noexcept { return reached_.fd(); }
  /// What has not caught up so far, e.g. "revenue_p1 at 100 of 250"; for people.
  [[nodiscard]] std::vector<std::string> behind() const;

private:
  void run();
  bool look(pg::Connection& connection, std::int64_t target);
  [[nodiscard]] std::vector<std::string> not_opened() const;

  pg::ConnectOptions connect_;
  const projection::CheckpointTables& tables_;
  eventlog::EventLog& log_;
  std::function<std::optional<std::vector<std::string>>()> names_;
  std::function<std::vector<projection::WorkerStatus>()> workers_;
  base::Stop stop_;
  base::Wakeup reached_;
  mutable std::mutex mutex_; ///< guards behind_
  std::vector<std::string> behind_;
  std::jthread thread_;
};

} // namespace projector::supervisor
