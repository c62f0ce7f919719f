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
  std::vector<std::string> checkpoints; ///< of all partitions of all hosts, for every projection that should run
  /// Those of them that cannot go on without an operator, each with its state and reason: "failed: ..".
  std::map<std::string, std::string> stuck;
  /// Workers of this host that have not opened their checkpoints yet. Opening may empty the read model, so it has not
  /// caught up yet, whatever position is stored.
  std::vector<std::string> opening;
  std::vector<std::string>
      refused; ///< projections that should run and have no checkpoint to wait for, each with its state and reason
};

/// Polls the stored checkpoints until each has reached the last event that was committed when this object was made, or
/// until the others are stuck. It has its own thread and connection and also sees the checkpoints of other hosts. Owned
/// by the host; it logs.
class CaughtUp {
public:
  enum class Result {
    Waiting,
    Reached,
    Stuck, ///< none of the others goes on by itself, or the checkpoints cannot be read; see behind()
  };
  /// `outlook` returns nothing while that is not known yet. It is called on this object's thread before each poll of
  /// the checkpoints, so that a checkpoint which is reset meanwhile is read after the reset.
  CaughtUp(pg::ConnectOptions connect, const projection::CheckpointTables& tables, eventlog::EventLog& log,
           std::function<std::optional<Outlook>()> outlook);
  ~CaughtUp();

  /// Readable once the result is no longer Waiting.
  [[nodiscard]] int fd() const noexcept { return ended_.fd(); }
  [[nodiscard]] Result result() const;
  /// For messages: the checkpoints that have not caught up, e.g. "revenue_p1 at 100 of 250: failed: ..", and why the
  /// last poll failed.
  [[nodiscard]] std::vector<std::string> behind() const;

private:
  void run() noexcept;
  void watch();
  Result poll(pg::Connection& connection, std::int64_t target);
  void end(Result result);
  /// True if a retry does not help.
  bool report(const pg::Error& error);

  pg::ConnectOptions connect_;
  const projection::CheckpointTables& tables_;
  eventlog::EventLog& log_;
  std::function<std::optional<Outlook>()> outlook_;
  base::Stop stop_;
  base::Wakeup ended_;
  int refusals_ = 0;         ///< number of successive polls that the server refused
  mutable std::mutex mutex_; ///< guards the members below, except the thread
  Result result_ = Result::Waiting;
  std::vector<std::string> behind_;
  std::string trouble_; ///< error of the last poll
  std::jthread thread_;
};

} // namespace projector::supervisor
