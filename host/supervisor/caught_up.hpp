#pragma once

#include "base/stop.hpp"
#include "base/wakeup.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace projector::supervisor {

/// The checkpoints for which a host with --until-caught-up waits.
struct Outlook {
  std::vector<std::string> checkpoints; ///< of every projection that should run, all partitions of all hosts
  /// Those of them that cannot move without a person, each with its state and the reason: "failed: ..".
  std::map<std::string, std::string> stuck;
  /// Workers of this host that have not opened their checkpoints yet. A read model that is to be emptied first has not
  /// caught up, wherever its checkpoints stand.
  std::vector<std::string> opening;
  std::vector<std::string> refused; ///< projections that should run and have no checkpoint to wait for, likewise
};

/// Watches the stored checkpoints until each has reached what was committed when it was made, or those that have not
/// are stuck. Its own thread and connection, so that it sees what other hosts store too. Owned by the host; it logs.
class CaughtUp {
public:
  enum class Result {
    Waiting,
    Reached,
    Stuck, ///< nothing that is left moves by itself, or the checkpoints cannot be read; see behind()
  };
  /// `outlook` gives nothing while that is not known yet; it is asked again at each look, on this object's thread,
  /// before the checkpoints are read: one that is emptied meanwhile is then read as it stands afterwards.
  CaughtUp(pg::ConnectOptions connect, const projection::CheckpointTables& tables, eventlog::EventLog& log,
           std::function<std::optional<Outlook>()> outlook);
  ~CaughtUp();

  /// Readable once the result is no longer Waiting.
  [[nodiscard]] int fd() const noexcept { return ended_.fd(); }
  [[nodiscard]] Result result() const;
  /// What has not caught up so far, e.g. "revenue_p1 at 100 of 250: failed: ..", and why the last look failed; for
  /// people.
  [[nodiscard]] std::vector<std::string> behind() const;

private:
  void run() noexcept;
  void watch();
  Result look(pg::Connection& connection, std::int64_t target);
  void end(Result result);
  /// True if trying again does not help.
  bool report(const pg::Error& error);

  pg::ConnectOptions connect_;
  const projection::CheckpointTables& tables_;
  eventlog::EventLog& log_;
  std::function<std::optional<Outlook>()> outlook_;
  base::Stop stop_;
  base::Wakeup ended_;
  int refusals_ = 0;         ///< looks in a row that the server refused
  mutable std::mutex mutex_; ///< guards what follows
  Result result_ = Result::Waiting;
  std::vector<std::string> behind_;
  std::string trouble_; ///< of the last look
  std::jthread thread_;
};

} // namespace projector::supervisor
