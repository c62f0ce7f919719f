#pragma once

#include "base/stop.hpp"
#include "pg/pipeline.hpp"
#include "pg/pool.hpp"
#include "plugin/statement_sink.hpp"
#include "projection/checkpoint.hpp"
#include "projection/error_policy.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace projector::projection {

/// What does not change between the transactions of one partition.
struct TransactionOptions {
  std::string projection; ///< owner of borrowed connections
  CheckpointKey key;
  std::string schema; ///< empty: the search_path as it is
  std::string synchronous_commit = "off";
  bool prepared_statements = true;
  base::Duration stop_grace = std::chrono::seconds(5); ///< how long a running statement may go on after a stop
};

/// The transaction of one batch, and the StatementSink that the plugin's statements go to. Statements queue in memory;
/// a connection is borrowed when the first has to run. Its first flight begins with the checkpoint's compare-and-set
/// and the check of epoch and partition count. Owned by a worker and used again for each batch; its thread only.
class BatchTransaction final : public plugin::StatementSink {
public:
  BatchTransaction(pg::Pool& pool, const CheckpointTables& tables, TransactionOptions options, const base::Stop& stop);
  ~BatchTransaction() override;

  /// How the checkpoint moves with this batch.
  struct Move {
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::int64_t epoch = 0;
    /// Whether the store still holds the batch's events. It is called where the connection is younger than their read;
    /// and before each COMMIT where the session is not the connection's own, whose age is not known.
    base::TimePoint events_read_at;
    std::function<bool()> confirm;
    /// The whole projection goes back to `start`, but this partition to `to`; the epoch rises and the read model gets
    /// this version. The plugin's reset comes first in the transaction. `from` does not count.
    struct Reset {
      std::int64_t start = 0;
      std::uint32_t read_model_version = 0;
      std::string store = {}; ///< the event store that it is made from; empty: as before
    };
    std::optional<Reset> reset;
  };
  /// Forgets the batch before. Without a move (setup, reset) only the plugin's statements run, under a lock that lets
  /// one host at a time do this for a projection.
  void begin(std::optional<Move> move);

  plugin::Verdict exec(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
                       std::size_t n_params) override;
  plugin::Verdict query(std::uint32_t event_index, std::uint32_t flags, const char* sql, const projector_value* params,
                        std::size_t n_params, std::unique_ptr<plugin::Rows>& rows) override;

  /// Whether any statement was given since begin.
  [[nodiscard]] bool used() const noexcept { return used_; }

  struct Failure {
    enum class Kind {
      Statement,  ///< the server or the host refused a statement
      Connection, ///< lost, or none could be had; with `doubtful` the COMMIT was already on its way
      Moved,      ///< the checkpoint is not where this host left it
      Fenced,     ///< the epoch or the partition count has changed
      StoreLost,  ///< the events may not be what the store holds any more
    };
    Kind kind = Kind::Statement;
    Reaction reaction = Reaction::Fail;
    std::string text;
    std::uint32_t event_index = PROJECTOR_NO_EVENT;
    bool doubtful = false;
    std::string sqlstate = {}; ///< of a refused statement
  };
  /// The first failure since begin; the transaction can only be rolled back.
  [[nodiscard]] const std::optional<Failure>& failure() const noexcept { return failure_; }

  /// Runs what is queued and commits; false: see failure(). A stop that interrupts it is a lost connection.
  bool commit();
  /// Gives the connection back, rolled back. Never fails: what cannot be rolled back is closed.
  void rollback() noexcept;

private:
  static constexpr std::size_t kMostQueued = 8192;
  /// Tags of the host's own statements, above those of any queue.
  enum Tag : std::size_t {
    kBegin = kMostQueued + 1,
    kSettings,
    kLock,
    kSchema,
    kCompareAndSet,
    kFence,
    kMirror,
    kReset
  };
  struct Queued {
    std::size_t text = 0; ///< index into texts_
    std::uint32_t event_index = PROJECTOR_NO_EVENT;
    bool once = false;
    pg::Parameters parameters;
  };
  struct Text {
    std::string sql;
    std::optional<std::string> refusal;
  };

  std::optional<plugin::Verdict> refuse(std::uint32_t event_index, const char* sql, const projector_value* params,
                                        std::size_t n_params);
  void queue(std::uint32_t event_index, std::uint32_t flags, const projector_value* params, std::size_t n_params);
  const Text& text_of(const char* sql);
  /// Sends the queued statements and waits for every result; the last statement's goes to `rows`.
  bool run(pg::Result* rows, pg::Format format);
  bool borrow();
  bool confirm(); ///< whether the store still holds the batch's events
  void clear_queue();
  void send_prologue(pg::Pipeline& pipeline);
  void send_move(pg::Pipeline& pipeline, const pg::Send& keep) const;
  void send_reset(pg::Pipeline& pipeline, const pg::Send& keep) const;
  void look_at(std::size_t tag, const pg::Result& result);
  plugin::Verdict fail(Failure failure);
  [[nodiscard]] plugin::Verdict verdict() const;

  pg::Pool& pool_;
  const CheckpointTables& tables_;
  TransactionOptions options_;
  const base::Stop& stop_;
  std::optional<Move> move_;
  std::optional<pg::Pool::Lease> lease_;
  std::vector<Text> texts_;
  std::map<std::string, std::size_t, std::less<>> text_index_;
  std::size_t last_text_ = 0;
  std::size_t text_bytes_ = 0;
  std::vector<Queued> queued_; ///< the first n_queued_ are in use; the others keep their buffers for the next batch
  std::size_t n_queued_ = 0;
  std::size_t queued_bytes_ = 0;
  bool used_ = false;
  bool begun_ = false; ///< BEGIN and the prologue have run on lease_
  std::optional<Failure> failure_;
};

} // namespace projector::projection
