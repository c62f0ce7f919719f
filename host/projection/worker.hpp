#pragma once

#include "base/backoff.hpp"
#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "eventlog/event_log.hpp"
#include "pg/pool.hpp"
#include "plugin/instance.hpp"
#include "projection/batch.hpp"
#include "projection/batch_transaction.hpp"
#include "projection/bookkeeper.hpp"
#include "projection/checkpoint_writer.hpp"
#include "projection/worker_status.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace projector::projection {

/// What all workers of a host share; outlives them.
struct WorkerServices {
  eventlog::EventLog& log;
  pg::Pool& pool;
  const CheckpointTables& tables;
  CheckpointWriter& checkpoints;
  Bookkeeper& bookkeeper;
  std::string host; ///< as in Bookkeeper::Options
  std::string synchronous_commit;
  bool prepared_statements = true;
  bool same_server = true;       ///< as in CheckpointWriter::Options
  std::function<void()> changed; ///< some worker's state changed; any thread, returns at once
};

/// What one partition runs.
struct WorkerAssignment {
  config::Projection projection;
  std::uint32_t partition = 0;
  std::shared_ptr<plugin::Module> module;
  plugin::Settings settings;
  std::string state_directory;
  std::uint64_t generation = 1;
  bool leads = true;    ///< of this host's partitions, the one that empties the read model for a rebuild
  bool rebuild = false; ///< started to serve an operator's request for a rebuild
  /// While true, an older generation can come back: a failure before this worker's first stored position is final
  /// and not narrowed down. Null: there is none.
  std::shared_ptr<const std::atomic<bool>> trial;
  /// The change that the worker was started for was seen after this time: it handles no event as it was read before.
  base::TimePoint asked_at = base::TimePoint::max();
  std::optional<std::int64_t> up_to; ///< ends, stored, once it has handled up to here
};

/// The thread of one partition: it makes the plugin instance, feeds it batches, and destroys it. Owned by the
/// supervisor, into which it holds no pointer. status and request_stop from any thread.
class Worker {
public:
  Worker(WorkerAssignment assignment, const WorkerServices& services);
  ~Worker(); ///< requests the stop and joins
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Ends after the running batch, committed where it can be within the grace. The state is Stopped when the thread is
  /// done.
  void request_stop() noexcept { stop_.request(); }
  [[nodiscard]] WorkerStatus status() const;

private:
  /// How a stretch of work ended.
  enum class End {
    Stop,
    Anew,    ///< make the instance again, from the stored checkpoint
    Standby, ///< another host runs this partition
    Fail,    ///< wait for restart_interval, then as Anew
  };

  void run() noexcept;
  /// One life of the instance: open the checkpoint, create, set up, batches until something ends it.
  End live();
  /// Whether another host handles this partition's events; the state is Standby then. Nothing where that cannot be told
  /// for now; the state says why.
  std::optional<bool> another_host_runs();
  /// Other hosts that said within `interval` that they handle this partition's events, but for those that are gone.
  std::vector<std::string> others(base::Duration interval);
  /// Whether the silence of other hosts tells that they are gone.
  [[nodiscard]] bool silence_tells(base::Duration interval);
  /// Of the checkpoint's row; nothing where there is none.
  std::optional<std::int64_t> stored_position();
  End stand_by();
  void wait_after_failure();

  std::optional<End> open_checkpoint_row();
  OpenedCheckpoint ask_for_checkpoint(std::optional<std::int64_t> start);
  void begin_at(const OpenedCheckpoint& opened);
  /// Begins anew where the projection's row, which may be moved by other hosts and by operators, is not the one that
  /// this worker goes by; it needs no event to find out.
  std::optional<End> look_at_projection();
  void set_opened(bool opened);
  std::optional<End> create_instance();
  std::optional<End> set_up();
  std::optional<End> one_batch();
  /// Has handled up to the assignment's limit: stores that and ends.
  std::optional<End> end_at_limit();
  std::optional<End> handle();
  std::optional<End> commit();
  [[nodiscard]] BatchTransaction::Move move_to(std::int64_t position, std::uint64_t incarnation,
                                               base::TimePoint read_at);
  /// Empties the read model where there is no batch to do it with.
  std::optional<End> reset_without_batch();
  void reset_committed();
  std::optional<End> again_or_fail(Reaction reaction, const std::string& text);
  [[nodiscard]] bool on_trial() const;
  void begin_trial();
  void pass_trial();
  void pass_trial_if_stored();
  /// For a worker that has no event to handle, now.
  void pass_trial_if_idle();
  std::optional<End> after_failure(const BatchTransaction::Failure& failure);
  /// Its text and, where it waited for a lock for too long, who holds it.
  [[nodiscard]] std::string explain(const BatchTransaction::Failure& failure);
  std::optional<End> after_partial(const plugin::Outcome& outcome);
  std::optional<End> react(Reaction reaction, const std::string& text, std::uint32_t event_index);
  /// Reads the stored position after a lost connection, a refused compare-and-set or a lost store, and decides what it
  /// means; with `doubtful` also whether batch_ was committed.
  std::optional<End> look_at_checkpoint(bool doubtful);
  void accept(std::int64_t position, std::uint64_t n_events);
  void hand_over();
  /// What is handled is stored before the instance goes, also where it failed, so that the next one repeats nothing.
  /// And an answer that is still to come would move the checkpoint under the next instance.
  void end_hand_over(End end);
  std::optional<End> take_answer(bool wait);
  /// Shows why what was handed over is not stored yet.
  void show_trouble();
  std::optional<End> restart_store();
  std::optional<std::int64_t> start_position();
  [[nodiscard]] projector_batch describe_batch();
  [[nodiscard]] bool durable_only() const;
  [[nodiscard]] base::TimePoint wait_until() const;
  [[nodiscard]] base::TimePoint hand_over_at() const;

  End fail(std::string reason, State state = State::Failed);
  /// Waits out one step of the back-off in state Retrying; false when stopped.
  bool back_off(const std::string& reason);
  bool pause(base::Duration duration);
  void set_state(State state, std::string reason = {});

  const WorkerAssignment assignment_;
  const WorkerServices& services_;
  const CheckpointKey key_;
  const std::string title_; ///< how log lines begin
  base::Stop stop_;
  base::TimePoint asked_at_; ///< of the assignment, until the first life of the plugin instance has begun
  base::Backoff backoff_;

  // The worker's thread only.
  std::unique_ptr<plugin::Instance> instance_;
  std::optional<BatchTransaction> transaction_;
  std::optional<BatchCutter> cutter_;
  Narrowing narrowing_;
  Batch batch_;
  std::int64_t position_ = 0; ///< handled up to here
  std::int64_t stored_ = 0;   ///< what the checkpoint's row says, as far as is known
  std::int64_t highest_ = 0;
  std::int64_t repeated_up_to_ = 0; ///< events at or below may have been handed over before
  std::int64_t epoch_ = 0;
  base::TimePoint epoch_at_;                           ///< when epoch_ was the stored one
  std::optional<BatchTransaction::Move::Reset> reset_; ///< still to be done, with the next transaction
  std::uint64_t incarnation_ = 0;                      ///< of the newest events behind position_
  std::string store_;                                  ///< identity of the store that position_ belongs to
  base::TimePoint read_at_;                            ///< the oldest read behind what is handled and not stored
  base::TimePoint stored_at_;
  std::shared_ptr<Handover> handover_;
  std::int64_t handed_over_ = 0;
  std::int64_t first_position_ = -1; ///< of the batch handed over last, for `attempt`
  std::uint32_t attempt_ = 0;
  std::string told_failure_;                   ///< logged last, and it was not live since
  bool halted_ = false;                        ///< the log refuses to go on
  std::uint32_t retries_ = 0;                  ///< counted ones of the running trouble
  std::optional<std::int64_t> first_accepted_; ///< end of the first batch of events that the plugin took
  std::optional<base::TimePoint> trial_until_; ///< a worker without an event passes its trial then

  mutable std::mutex mutex_; ///< guards what follows
  WorkerStatus status_;
  std::string trouble_; ///< why what was handed over is not stored, shown where the state has no reason
  std::jthread thread_;
};

} // namespace projector::projection
