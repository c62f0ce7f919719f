#pragma once

#include "base/backoff.hpp"
#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "eventlog/event_log.hpp"
#include "pg/pool.hpp"
#include "plugin/staged_plugin.hpp"
#include "projection/batch.hpp"
#include "projection/batch_transaction.hpp"
#include "projection/bookkeeper.hpp"
#include "projection/bounded_statement.hpp"
#include "projection/checkpoint_tracker.hpp"
#include "projection/checkpoint_writer.hpp"
#include "projection/clean_session.hpp"
#include "projection/crashes.hpp"
#include "projection/delivery_history.hpp"
#include "projection/reported_status.hpp"
#include "projection/worker_instance.hpp"
#include "projection/worker_status.hpp"
#include "projection/worker_trial.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace projector::projection {

/// What all workers of a host share; outlives them.
struct WorkerServices {
  eventlog::EventLog& log;
  pg::Pool& pool;
  const CheckpointTables& tables;
  CheckpointWriter& checkpoints;
  Bookkeeper& bookkeeper;
  const plugin::RunnerHost& runner_host; ///< with the memory of the log's events
  std::string host;                      ///< as in Bookkeeper::Options
  std::string synchronous_commit;
  bool prepared_statements = true;
  bool same_server = true;       ///< as in CheckpointWriter::Options
  std::function<void()> changed; ///< some worker's state changed; any thread, returns at once
};

/// What one partition runs.
struct WorkerAssignment {
  config::Projection projection;
  std::uint32_t partition = 0;
  std::shared_ptr<const plugin::StagedPlugin> plugin;
  plugin::Settings settings;
  std::string state_directory;
  std::uint64_t generation = 1;
  bool leads = true;    ///< of this host's partitions, the one that empties the read model for a rebuild
  bool rebuild = false; ///< started to serve an operator's request for a rebuild
  /// While true, an older generation can come back: a failure before this worker's first stored position is final
  /// and not narrowed down. Null: there is none.
  std::shared_ptr<const std::atomic<bool>> trial;
  /// The change that the worker was started for was seen after this time. The worker handles no event that was read
  /// before it.
  base::TimePoint requested_at = base::TimePoint::max();
  std::optional<std::int64_t> up_to; ///< the worker ends once everything up to here is handled and stored
};

/// The thread of one partition: it makes the plugin instance, feeds it batches, and destroys it. Owned by the
/// supervisor, into which it holds no pointer. status, report and request_stop from any thread.
class Worker {
public:
  Worker(WorkerAssignment assignment, const WorkerServices& services);
  ~Worker(); ///< requests the stop and joins
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Ends after the running batch, committed where it can be within the grace. The state is Stopped when the thread is
  /// done.
  void request_stop() noexcept {
    stop_.request();
    instance_.stop();
  }
  [[nodiscard]] WorkerStatus status() const;
  /// The status with what the plugin's process uses. Reads /proc.
  [[nodiscard]] WorkerStatus report() const;

private:
  /// How a stretch of work ended.
  enum class End {
    Stop,
    Anew,    ///< make the instance again, from the stored checkpoint
    Standby, ///< another host runs this partition
    Fail,    ///< wait for restart_interval, then as Anew
  };
  using Finding = CheckpointTracker::Finding;

  void run() noexcept;
  /// One life of the instance: open the checkpoint, create, set up, batches until something ends it.
  End live();
  End stand_by();
  void wait_after_failure();
  /// Whether another host handles this partition's events; the state is Standby then. Nothing where that cannot be told
  /// for now; the state says why.
  std::optional<bool> another_host_runs();
  /// Other hosts with a heartbeat for this partition within `interval`, except those that have ended.
  std::vector<std::string> others(base::Duration interval);
  /// Whether the missing heartbeats of other hosts show that they have stopped.
  [[nodiscard]] bool silence_is_evidence(base::Duration interval);

  std::optional<End> create_instance();
  std::optional<End> set_up();
  /// Makes the instance again in a fresh process, and goes on where the batches were.
  std::optional<End> renew_instance();
  /// Tells the plugin how the last batch ended, where no next one does so soon, and renews the instance if its process
  /// has ended meanwhile.
  std::optional<End> look_at_instance();
  /// The process ended in handle, and the batch is rolled back.
  std::optional<End> after_crash(const std::string& text, std::uint32_t event_index);
  /// Renews the instance if no event is to blame for the end of its process.
  std::optional<End> after_unexplained_crash(const std::string& text);
  std::optional<End> one_batch();
  std::optional<End> handle();
  std::optional<End> commit();
  /// Runs the plugin's reset where there is no batch to do it with.
  std::optional<End> reset_without_batch();
  /// Everything up to the assignment's limit is handled: stores that and ends.
  std::optional<End> end_at_limit();
  [[nodiscard]] BatchTransaction::Move move_to(std::int64_t position, std::uint64_t incarnation,
                                               base::TimePoint read_at);
  /// The transaction that moved the checkpoint to `position` is committed.
  void committed(std::int64_t position, std::uint64_t incarnation);
  /// The batch ran no statement, or has no event.
  void handled_without_statement(std::int64_t position, std::uint64_t n_events);
  /// Everything up to `position` is handled, `n_events` of it by this batch. Sets the status; events reset the retries,
  /// and pass the trial where they are stored.
  void count(std::int64_t position, std::uint64_t n_events);
  std::optional<End> again_or_fail(Reaction reaction, const std::string& text);
  std::optional<End> after_failure(const BatchTransaction::Failure& failure);
  std::optional<End> after_lost_connection(const BatchTransaction::Failure& failure);
  std::optional<End> after_partial(const plugin::Outcome& outcome);
  std::optional<End> react(Reaction reaction, const std::string& text, std::uint32_t event_index);
  /// One of the batch's events is rejected: cuts shorter batches, or ends where it is found.
  std::optional<End> reject(const std::string& text, std::uint32_t event_index);
  /// Its text and, where it waited for a lock for too long, who holds it.
  [[nodiscard]] std::string explain(const BatchTransaction::Failure& failure);
  [[nodiscard]] projector_batch describe_batch();
  [[nodiscard]] bool durable_only() const;
  [[nodiscard]] const plugin::Facts& facts() const noexcept { return assignment_.plugin->facts(); }
  [[nodiscard]] base::TimePoint wait_until() const;

  std::optional<End> open_checkpoint_row();
  OpenedCheckpoint ask_for_checkpoint(const std::string& store, std::optional<std::int64_t> start);
  void begin_at(const OpenedCheckpoint& opened, CheckpointTracker::Source source);
  using ReadRow = std::optional<Checkpoint>(pg::Connection&, const CheckpointTables&, const CheckpointKey&);
  /// Reads the row, again and again until the server answers; nothing where stopped.
  std::optional<Finding> look_at_checkpoint(ReadRow& read);
  /// How the worker goes on where the row is not at the expected position; Anew for Unchanged and Committed.
  [[nodiscard]] static End end_of(Finding finding);
  /// Begins anew where the projection's row, which may be moved by other hosts and by operators, is not the one that
  /// this worker goes by; it needs no event to find out.
  std::optional<End> look_at_projection();
  /// Takes the answer to what was handed over, if it is there or, with `wait`, once it is there.
  std::optional<End> take_answer(bool wait);
  /// Stores the handled position before the instance is destroyed, also after a failure, so that the next instance
  /// repeats nothing. It waits for a pending answer, since a late write would move the checkpoint under the next one.
  void end_hand_over(End end);
  /// Waits for the answer as long as this end allows. True: the position is written.
  bool written_at_end(End end);
  std::optional<End> restart_store();

  /// Asks on a session of the pool. Throws as explaining_locks and Pool::borrow.
  template <class Question>
  auto ask(const Question& question) {
    auto lease = borrow_clean_session(services_.pool, assignment_.projection.name, stop_, base::Duration::zero());
    return explaining_locks(lease.connection(), question);
  }
  void passed_trial_if(bool passed);
  void pass_trial_if_idle();
  End fail(std::string reason, State state = State::Failed);
  /// Waits out one step of the back-off in state Retrying; false when stopped.
  bool back_off(const std::string& reason);
  void set_state(State state, std::string reason = {});

  const WorkerAssignment assignment_;
  const WorkerServices& services_;
  const CheckpointKey key_;
  const std::string title_; ///< how log lines begin
  base::Stop stop_;
  ReportedStatus status_;
  WorkerInstance instance_;

  // The worker's thread only.
  base::TimePoint requested_at_; ///< of the assignment, until the first life of the plugin instance has begun
  CheckpointTracker checkpoint_;
  DeliveryHistory deliveries_;
  WorkerTrial trial_;
  base::Backoff backoff_;
  std::uint32_t retries_ = 0;  ///< since the last success, of those that max_retries limits
  std::string logged_failure_; ///< the reason logged last; empty once the worker was live
  std::optional<BatchTransaction> transaction_;
  std::optional<BatchCutter> cutter_;
  Narrowing narrowing_;
  Crashes crashes_;
  Batch batch_;
  bool halted_ = false; ///< the event log refuses to go on

  std::jthread thread_;
};

} // namespace projector::projection
