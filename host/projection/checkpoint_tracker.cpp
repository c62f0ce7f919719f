#include "projection/checkpoint_tracker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace projector::projection {
namespace {

[[noreturn]] void refuse(const char* transition, const CheckpointTracker::State& state) {
  throw std::logic_error(fmt::format("CheckpointTracker::{} in state {}", transition, state.index()));
}

} // namespace

CheckpointTracker::CheckpointTracker(CheckpointKey key, base::Duration interval, Submit submit)
    : key_(std::move(key)), interval_(interval), submit_(std::move(submit)) {}

void CheckpointTracker::open(const Checkpoint& row, Source source, std::optional<Reset> reset) {
  stored_ = row.position;
  position_ = reset ? reset->start : stored_;
  epoch_ = row.epoch;
  source_ = std::move(source);
  read_at_ = base::TimePoint::max();
  stored_at_ = epoch_at_ = base::Clock::now();
  if (reset) {
    state_ = ResetDue{std::move(*reset)};
  } else {
    state_ = Known{};
  }
}

void CheckpointTracker::close() {
  position_ = stored_;
  read_at_ = base::TimePoint::max();
  state_ = Known{};
}

void CheckpointTracker::handled(std::int64_t position, std::uint64_t incarnation, base::TimePoint read_at) {
  position_ = position;
  source_.incarnation = incarnation;
  read_at_ = std::min(read_at_, read_at);
}

std::optional<CheckpointTracker::Reset> CheckpointTracker::committed(std::int64_t position, std::uint64_t incarnation) {
  auto* due = std::get_if<ResetDue>(&state_);
  if (due == nullptr && !std::holds_alternative<Known>(state_)) {
    refuse("committed", state_);
  }
  position_ = stored_ = position;
  stored_at_ = base::Clock::now();
  source_.incarnation = incarnation;
  read_at_ = base::TimePoint::max();
  if (due == nullptr) {
    return std::nullopt;
  }
  // The reset has raised it in the same transaction.
  ++epoch_;
  epoch_at_ = base::Clock::now();
  auto reset = std::move(due->reset);
  state_ = Known{};
  return reset;
}

void CheckpointTracker::commit_lost(std::int64_t position, std::uint64_t incarnation) {
  if (!std::holds_alternative<Known>(state_)) {
    refuse("commit_lost", state_);
  }
  state_ = Doubtful{.position = position, .incarnation = incarnation};
}

void CheckpointTracker::hand_over() {
  if (handover() != nullptr || reset_due() || position_ <= stored_) {
    return;
  }
  state_ = HandedOver{
      .position = position_,
      .handover = submit_({.key = key_, .stored = stored_, .position = position_, .epoch = epoch_}, source_.incarnation,
                          read_at_),
  };
  read_at_ = base::TimePoint::max();
}

Handover::Answer CheckpointTracker::take_answer() {
  const auto* handed_over = std::get_if<HandedOver>(&state_);
  if (handed_over == nullptr) {
    refuse("take_answer", state_);
  }
  const auto answer = handed_over->handover->answer();
  switch (answer) {
  case Handover::Answer::Pending:
    break;
  case Handover::Answer::Written:
    stored_ = handed_over->position;
    stored_at_ = base::Clock::now();
    state_ = Known{};
    break;
  case Handover::Answer::Moved:
    state_ = Doubtful{.position = handed_over->position, .incarnation = source_.incarnation};
    break;
  case Handover::Answer::StoreLost:
    state_ = Known{};
    break;
  }
  return answer;
}

CheckpointTracker::Finding CheckpointTracker::found(const std::optional<Checkpoint>& row) {
  if (handover() != nullptr) {
    refuse("found", state_);
  }
  std::optional<Doubtful> doubt;
  if (const auto* doubtful = std::get_if<Doubtful>(&state_)) {
    doubt = *doubtful;
    state_ = Known{};
  }
  if (!row || row->epoch != epoch_) {
    return Finding::Reset;
  }
  if (doubt && row->position == doubt->position) {
    stored_ = doubt->position;
    stored_at_ = base::Clock::now();
    if (position_ < stored_) {
      position_ = stored_;
      source_.incarnation = doubt->incarnation;
      read_at_ = base::TimePoint::max();
    }
    return Finding::Committed;
  }
  if (row->position == stored_) {
    return Finding::Unchanged;
  }
  return row->position < stored_ ? Finding::CommitsLost : Finding::Moved;
}

Handover* CheckpointTracker::handover() const noexcept {
  const auto* handed_over = std::get_if<HandedOver>(&state_);
  return handed_over == nullptr ? nullptr : handed_over->handover.get();
}

BatchTransaction::Move CheckpointTracker::move_to(std::int64_t position, base::TimePoint read_at) const {
  BatchTransaction::Move move;
  move.from = stored_;
  move.to = position;
  move.epoch = epoch_;
  if (const auto* due = std::get_if<ResetDue>(&state_)) {
    move.reset = due->reset;
  }
  move.events_read_at = std::min(read_at, read_at_);
  return move;
}

base::TimePoint CheckpointTracker::due(base::TimePoint now) const {
  if (handover() != nullptr) {
    return now + interval_;
  }
  return position_ > stored_ && !reset_due() ? stored_at_ + interval_ : base::never();
}

bool CheckpointTracker::outdated_by(const StoredProjections& read) const {
  if (read.queried_at <= epoch_at_) {
    return false;
  }
  const auto stored = read.by_checkpoint.find(key_.base);
  return stored == read.by_checkpoint.end() || stored->second.epoch != epoch_ ||
         stored->second.partitions != key_.partitions;
}

} // namespace projector::projection
