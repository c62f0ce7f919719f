#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "projection/background_session.hpp"
#include "projection/checkpoint_group.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace projector::projection {

/// The answer to one handed-over position. The worker that handed it over waits for it or polls it.
class Handover {
public:
  enum class Answer {
    Pending,
    Written,
    Moved,     ///< the checkpoint is not where this worker left it
    StoreLost, ///< the store connection was lost since the events were read: read the checkpoint again
  };
  [[nodiscard]] Answer answer() const;
  /// Why it is still pending, for people; empty where nothing is wrong.
  [[nodiscard]] std::string trouble() const;
  /// Waits for the answer, for at most `limit`; Pending where there is none by then or `stop` was requested.
  Answer wait(const base::Stop& stop, base::Duration limit);

  // Called by the thread that writes the position.
  void set(Answer answer);
  void set_trouble(const std::string& trouble);

private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Answer answer_ = Answer::Pending;
  std::string trouble_;
};

/// Writes the checkpoints that workers hand over because their batches ran no statement, many in one transaction. It
/// has one thread and one session of its own, so that states and heartbeats never delay a checkpoint. Owned by the
/// program; submit from any thread.
class CheckpointWriter {
public:
  struct Options {
    pg::ConnectOptions connect;
    bool same_server = true; ///< read model and events are in one server: a crash takes both back
    base::Duration lock_timeout = std::chrono::seconds(1);
    std::function<void(const std::string&)> report; ///< trouble that people should read; on this thread
  };
  CheckpointWriter(Options options, const CheckpointTables& tables, eventlog::EventLog& log);
  /// Writes what was handed over, for a second at most, and ends the thread.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Hands over a position. `incarnation` is of the segments behind it, `read_at` the oldest of them.
  std::shared_ptr<Handover> submit(GroupedMove move, std::uint64_t incarnation, base::TimePoint read_at);

private:
  struct Pending {
    GroupedMove move;
    std::uint64_t incarnation;
    base::TimePoint read_at;
    std::shared_ptr<Handover> handover;
  };
  void run();
  /// Writes what it can and leaves the rest in `pending`; false where something failed.
  bool write(std::vector<Pending>& pending);
  void drop_lost(std::vector<Pending>& pending);
  bool write_together(std::vector<Pending>& pending);
  bool write_apart(std::vector<Pending>& pending);
  void answer(std::vector<Pending>& pending);
  /// Shows the workers what keeps their positions from being stored. Returns it as people should read it.
  static std::string tell(const std::vector<Pending>& pending, const std::string& error);

  Options options_;
  const CheckpointTables& tables_;
  eventlog::EventLog& log_;
  base::Stop stop_;
  BackgroundSession session_;

  std::mutex mutex_; ///< guards pending_
  std::condition_variable_any changed_;
  std::vector<Pending> pending_;
  std::jthread thread_;
};

} // namespace projector::projection
