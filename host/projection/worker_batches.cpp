#include "base/test_point.hpp"
#include "projection/clean_session.hpp"
#include "projection/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace projector::projection {
namespace {

std::string describe(const projector_event& event) {
  return fmt::format("event at position {} ({} of {} {})", event.global_position,
                     std::string_view(event.event_type.data, event.event_type.size),
                     std::string_view(event.aggregate_type.data, event.aggregate_type.size),
                     std::string_view(event.aggregate_id.data, event.aggregate_id.size));
}

} // namespace

std::optional<Worker::End> Worker::one_batch() {
  using Status = eventlog::Cursor::Status;
  if (auto end = take_answer(false)) {
    return end;
  }
  if (!halted_ && position_ >= services_.log.settled()) {
    set_state(State::Live);
  }
  const auto& projection = assignment_.projection;
  const BatchLimits limits{narrowing_.limit(projection.batch_size), projection.batch_bytes};
  const auto cut = cutter_->cut(batch_, position_, limits, wait_until(), projection.checkpoint_interval, stop_);
  halted_ = cut.status == Status::Halted;
  switch (cut.status) {
  case Status::Stopped:
    return End::Stop;
  case Status::NewStore:
    return restart_store();
  case Status::Halted:
    set_state(State::Retrying, cut.reason);
    return pause(std::chrono::milliseconds(200)) ? std::nullopt : std::optional(End::Stop);
  case Status::NoneYet:
    break;
  case Status::Segment:
    if (!batch_.empty()) {
      if (auto end = handle()) {
        return end;
      }
    } else {
      accept(batch_.to(), 0);
    }
    break;
  }
  if (base::Clock::now() >= hand_over_at()) {
    hand_over();
  }
  return std::nullopt;
}

projector_batch Worker::describe_batch() {
  const std::int64_t first = batch_.events().front()->global_position;
  attempt_ = first == first_position_ ? attempt_ + 1 : 1;
  first_position_ = first;
  projector_batch batch{};
  batch.struct_size = sizeof batch;
  batch.attempt = attempt_;
  batch.flags = (attempt_ > 1 || first <= repeated_up_to_ ? PROJECTOR_BATCH_REPEATED : 0u) |
                (first <= highest_ ? PROJECTOR_BATCH_REBUILD : 0u);
  batch.events = batch_.events().data();
  batch.n_events = batch_.events().size();
  batch.head_position = services_.log.settled();
  return batch;
}

std::optional<Worker::End> Worker::handle() {
  const bool external = instance_->external();
  if (!external) {
    // The compare-and-set needs to know where the row stands.
    if (auto end = take_answer(true)) {
      return end;
    }
  }
  if (batch_.incarnation() != services_.log.incarnation()) {
    return std::nullopt;
  }
  const projector_batch described = describe_batch();
  if (!external) {
    BatchTransaction::Move move{stored_, batch_.to(), epoch_, std::min(batch_.read_at(), read_at_), {}};
    if (services_.same_server) {
      move.confirm = [this] { return services_.log.confirm(batch_.incarnation(), stop_); };
    }
    transaction_->begin(std::move(move));
  }
  PROJECTOR_TEST_POINT("before_handle");
  const auto outcome = instance_->handle(external ? nullptr : &*transaction_, described);
  PROJECTOR_TEST_POINT("after_handle");
  if (!external && transaction_->failure()) {
    return commit();
  }
  if (!outcome.ok()) {
    transaction_->rollback();
    repeated_up_to_ = std::max(repeated_up_to_, batch_.events().back()->global_position);
    instance_->finished(false);
    if (external && outcome.status == PROJECTOR_RETRY && outcome.event_index != PROJECTOR_NO_EVENT) {
      return after_partial(outcome);
    }
    return react(reaction_to_status(outcome.status), outcome.text, outcome.event_index);
  }
  if (!external && transaction_->used()) {
    return commit();
  }
  instance_->finished(true);
  accept(batch_.to(), batch_.events().size());
  return std::nullopt;
}

std::optional<Worker::End> Worker::commit() {
  if (!transaction_->failure() && transaction_->commit()) {
    stored_ = batch_.to();
    stored_at_ = base::Clock::now();
    accept(batch_.to(), batch_.events().size());
    read_at_ = base::TimePoint::max();
    instance_->finished(true);
    return std::nullopt;
  }
  const auto failure = *transaction_->failure();
  transaction_->rollback();
  repeated_up_to_ = std::max(repeated_up_to_, batch_.events().back()->global_position);
  if (!failure.doubtful) {
    instance_->finished(false);
  }
  return after_failure(failure);
}

std::optional<Worker::End> Worker::after_failure(const BatchTransaction::Failure& failure) {
  using Kind = BatchTransaction::Failure::Kind;
  if (stop_.requested() && failure.kind != Kind::Statement) {
    return End::Stop;
  }
  switch (failure.kind) {
  case Kind::Statement:
    return react(failure.reaction, failure.text, failure.event_index);
  case Kind::StoreLost:
    return back_off(failure.text) ? std::nullopt : std::optional(End::Stop);
  case Kind::Fenced:
    spdlog::info("{}: {}", title_, failure.text);
    return End::Anew;
  case Kind::Moved: {
    const auto end = look_at_checkpoint(false);
    // Where the host's own row has not moved, the mirrored one has: opening it again tells which and refuses.
    return end ? end : End::Anew;
  }
  case Kind::Connection:
    if (!back_off(failure.text)) {
      return End::Stop;
    }
    return look_at_checkpoint(failure.doubtful);
  }
  return End::Anew;
}

std::optional<Worker::End> Worker::after_partial(const plugin::Outcome& outcome) {
  if (outcome.event_index > 0 && outcome.event_index < batch_.events().size()) {
    accept(batch_.events()[outcome.event_index - 1]->global_position, outcome.event_index);
  }
  return react(Reaction::RetryCounted, outcome.text, PROJECTOR_NO_EVENT);
}

std::optional<Worker::End> Worker::react(Reaction reaction, const std::string& text, std::uint32_t event_index) {
  const auto& projection = assignment_.projection;
  if (reaction == Reaction::RetryCounted && !stop_.requested() && ++retries_ > projection.max_retries) {
    reaction = Reaction::Reject;
  }
  switch (reaction) {
  case Reaction::RetryForever:
  case Reaction::RetryCounted:
    return back_off(text) ? std::nullopt : std::optional(End::Stop);
  case Reaction::Fail:
    return fail(text);
  case Reaction::Reject:
    break;
  }
  const auto n_events = static_cast<std::uint32_t>(batch_.events().size());
  if (!narrowing_.rejected(n_events, event_index, batch_.events().back()->global_position)) {
    return std::nullopt;
  }
  return fail(fmt::format("{} was rejected: {}", describe(*batch_.events().front()), text));
}

void Worker::accept(std::int64_t position, std::uint64_t n_events) {
  position_ = position;
  incarnation_ = batch_.incarnation();
  read_at_ = std::min(read_at_, batch_.read_at());
  narrowing_.passed(position);
  if (n_events > 0) {
    retries_ = 0;
    backoff_.reset();
  }
  const std::int64_t behind = services_.log.settled() - position;
  const auto far = std::max<std::int64_t>(10000, std::int64_t{10} * assignment_.projection.batch_size);
  State state = State::CatchingUp;
  {
    const std::lock_guard lock(mutex_);
    status_.position = position;
    status_.stored = stored_;
    status_.handled += n_events;
    status_.batches += n_events > 0 ? 1 : 0;
    status_.committed = status_.committed || n_events > 0;
    if (behind <= 0 || (status_.state == State::Live && behind < far)) {
      state = State::Live;
    }
  }
  set_state(state);
}

std::optional<Worker::End> Worker::look_at_checkpoint(bool doubtful) {
  while (true) {
    std::optional<Checkpoint> row;
    try {
      auto lease = borrow_clean_session(services_.pool, assignment_.projection.name, stop_, base::Duration::zero());
      // A session that the host lost may still be at its COMMIT.
      row = doubtful ? read_checkpoint_at_rest(lease.connection(), services_.tables, key_)
                     : read_checkpoint(lease.connection(), services_.tables, key_);
    } catch (const pg::Error& error) {
      if (!back_off(error.what())) {
        return End::Stop;
      }
      continue;
    }
    if (doubtful && row && row->epoch == epoch_ && row->position == batch_.to()) {
      stored_ = batch_.to();
      stored_at_ = base::Clock::now();
      accept(batch_.to(), batch_.events().size());
      read_at_ = base::TimePoint::max();
      instance_->finished(true);
      return std::nullopt;
    }
    if (doubtful) {
      instance_->finished(false);
    }
    if (!row || row->epoch != epoch_) {
      return End::Anew;
    }
    if (row->position == stored_) {
      return std::nullopt;
    }
    if (row->position == handed_over_ && handed_over_ > stored_) {
      stored_ = handed_over_;
      return std::nullopt;
    }
    if (row->position < stored_) {
      spdlog::warn("{}: the server lost this projection's last commits: it stands at {}, this host had left it at {}; "
                   "starting again from there",
                   title_, row->position, stored_);
      return End::Anew;
    }
    return End::Standby;
  }
}

void Worker::hand_over() {
  if (handover_ || position_ <= stored_) {
    return;
  }
  handed_over_ = position_;
  handover_ = services_.bookkeeper.submit({key_, stored_, position_, epoch_}, incarnation_, read_at_);
  read_at_ = base::TimePoint::max();
}

std::optional<Worker::End> Worker::take_answer(bool wait) {
  if (!handover_) {
    return std::nullopt;
  }
  auto answer = handover_->answer();
  while (wait && answer == Handover::Answer::Pending && !stop_.requested()) {
    answer = handover_->wait(stop_, std::chrono::seconds(1));
  }
  switch (answer) {
  case Handover::Answer::Pending:
    return wait ? std::optional(End::Stop) : std::nullopt;
  case Handover::Answer::Written: {
    stored_ = handed_over_;
    const std::lock_guard lock(mutex_);
    status_.stored = stored_;
    break;
  }
  case Handover::Answer::StoreLost:
    handover_.reset();
    return restart_store();
  case Handover::Answer::Moved: {
    handover_.reset();
    const auto end = look_at_checkpoint(false);
    return end || stored_ == handed_over_ ? end : End::Anew;
  }
  }
  stored_at_ = base::Clock::now();
  handover_.reset();
  return std::nullopt;
}

std::optional<Worker::End> Worker::restart_store() {
  if (auto end = take_answer(true)) {
    return end;
  }
  if (position_ != stored_ || services_.log.identity().store != store_) {
    return End::Anew;
  }
  const auto end = look_at_checkpoint(false);
  if (!end && stored_ > services_.log.last_position()) {
    return End::Anew;
  }
  cutter_->restarted();
  return end;
}

bool Worker::durable_only() const {
  return instance_->external() || !services_.same_server;
}

/// How long to wait for events: until the checkpoint's turn, and not for long before it is known that none are there.
base::TimePoint Worker::wait_until() const {
  constexpr auto kSoon = std::chrono::milliseconds(100);
  const auto until = hand_over_at();
  // Only this thread changes the state, so that it may look without the lock.
  return status_.state == State::Live ? until : std::min<base::TimePoint>(until, base::Clock::now() + kSoon);
}

base::TimePoint Worker::hand_over_at() const {
  const auto interval = assignment_.projection.checkpoint_interval;
  if (handover_) {
    return base::Clock::now() + interval;
  }
  return position_ > stored_ ? stored_at_ + interval : base::never();
}

} // namespace projector::projection
