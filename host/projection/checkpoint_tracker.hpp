#pragma once

#include "base/clock.hpp"
#include "projection/batch_transaction.hpp"
#include "projection/bookkeeper.hpp"
#include "projection/checkpoint.hpp"
#include "projection/checkpoint_writer.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace projector::projection {

/// How far one partition is handled, and what is known of its row in the database. It asks the database nothing, logs
/// nothing and never waits: the worker tells it what happened. Each transition names the states that it starts from; in
/// any other it throws std::logic_error and changes nothing. Owned by the worker; its thread only.
class CheckpointTracker {
public:
  using Reset = BatchTransaction::Move::Reset;

  /// The row is where this host left it, as far as is known.
  struct Known {};
  /// The checkpoint writer was given `position` and has not answered, or its answer was not taken yet.
  struct HandedOver {
    std::int64_t position = 0;
    std::shared_ptr<Handover> handover;
  };
  /// The row may have been moved to `position`: the answer that would tell was lost.
  struct Doubtful {
    std::int64_t position = 0;
    std::uint64_t incarnation = 0;
  };
  /// The read model is to be emptied in the transaction that moves the row next.
  struct ResetDue {
    Reset reset;
  };
  using State = std::variant<Known, HandedOver, Doubtful, ResetDue>;

  /// Gives a position to the checkpoint writer; see CheckpointWriter::submit.
  using Submit = std::function<std::shared_ptr<Handover>(GroupedMove, std::uint64_t, base::TimePoint)>;
  /// What is handled without a statement is due to be stored `interval` after what was stored last.
  CheckpointTracker(CheckpointKey key, base::Duration interval, Submit submit);

  /// The event store as it was before the row was read.
  struct Source {
    std::string store; ///< its identity
    std::uint64_t incarnation = 0;
  };
  /// Any -> Known, or ResetDue where there is a reset.
  void open(const Checkpoint& row, Source source, std::optional<Reset> reset);
  /// Any -> Known: what is handled and not stored is forgotten.
  void close();
  /// The events up to `position` were handled without a statement. They were read in `incarnation`, the oldest of them
  /// at `read_at`. Stays in its state.
  void handled(std::int64_t position, std::uint64_t incarnation, base::TimePoint read_at);
  /// Known or ResetDue -> Known: a transaction has moved the row to `position`. Returns the reset that it carried out.
  std::optional<Reset> committed(std::int64_t position, std::uint64_t incarnation);
  /// Known -> Doubtful: such a transaction's COMMIT was sent, and its answer was lost.
  void commit_lost(std::int64_t position, std::uint64_t incarnation);
  /// Known or Doubtful -> HandedOver, where something handled is not stored; in every other case nothing happens. A
  /// doubt does not matter here, since the writer moves only a row that is where this host knows it to be.
  void hand_over();
  /// HandedOver -> Known where the position was written or the store was lost, Doubtful where the row was moved, which
  /// an earlier attempt of the writer may have done; while the answer is pending it stays.
  Handover::Answer take_answer();

  /// What the row tells.
  enum class Finding {
    Unchanged,   ///< it is where this host left it
    Committed,   ///< the doubtful position is stored
    CommitsLost, ///< it is below: the server lost its last commits
    Moved,       ///< it is elsewhere: another host has moved it
    Reset,       ///< it is gone, or its epoch has changed
  };
  /// Any but HandedOver: the row was read. Doubtful -> Known, whatever it tells.
  Finding found(const std::optional<Checkpoint>& row);

  [[nodiscard]] std::int64_t position() const noexcept { return position_; } ///< handled up to here
  [[nodiscard]] std::int64_t stored() const noexcept { return stored_; }     ///< what the row says, as far as is known
  [[nodiscard]] bool all_stored() const noexcept { return position_ == stored_; }
  [[nodiscard]] std::uint64_t incarnation() const noexcept { return source_.incarnation; } ///< of the newest events
  [[nodiscard]] const std::string& store() const noexcept { return source_.store; }
  [[nodiscard]] const State& state() const noexcept { return state_; }
  [[nodiscard]] bool reset_due() const noexcept { return std::holds_alternative<ResetDue>(state_); }
  /// Null where nothing is handed over.
  [[nodiscard]] Handover* handover() const noexcept;
  /// How a transaction moves the row to `position`, with events whose oldest was read at `read_at`. Without `confirm`.
  [[nodiscard]] BatchTransaction::Move move_to(std::int64_t position, base::TimePoint read_at) const;
  /// When to hand over, or to look for the answer.
  [[nodiscard]] base::TimePoint due(base::TimePoint now) const;
  /// Whether the projection's row, as it was read, has another epoch or partition count than this checkpoint, or is
  /// gone. False where it was read before this checkpoint's own epoch was known.
  [[nodiscard]] bool outdated_by(const StoredProjections& read) const;

private:
  const CheckpointKey key_;
  const base::Duration interval_;
  const Submit submit_;
  State state_;
  std::int64_t position_ = 0;
  std::int64_t stored_ = 0;
  base::TimePoint stored_at_;
  std::int64_t epoch_ = 0;
  base::TimePoint epoch_at_; ///< when epoch_ was the stored one
  Source source_;
  base::TimePoint read_at_ = base::TimePoint::max(); ///< the oldest read behind what is handled and not stored
};

} // namespace projector::projection
