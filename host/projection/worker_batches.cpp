#include "base/test_point.hpp"
#include "projection/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace projector::projection {

std::optional<Worker::End> Worker::one_batch() {
  using Status = eventlog::Cursor::Status;
  if (auto end = take_answer(false)) {
    return end;
  }
  if (auto end = look_at_projection()) {
    return end;
  }
  if (auto end = look_at_instance()) {
    return end;
  }
  const std::int64_t position = checkpoint_.position();
  const bool reset_due = checkpoint_.reset_due();
  if (assignment_.up_to && position >= *assignment_.up_to && !reset_due) {
    return end_at_limit();
  }
  if (!halted_ && position >= services_.log.settled()) {
    if (reset_due) {
      return reset_without_batch();
    }
    set_state(State::Live);
  }
  const auto& projection = assignment_.projection;
  BatchLimits limits{narrowing_.limit(projection.batch_size), projection.batch_bytes};
  limits.up_to = assignment_.up_to.value_or(limits.up_to);
  const auto cut = cutter_->cut(batch_, position, limits, wait_until(), projection.checkpoint_interval, stop_);
  halted_ = cut.status == Status::Halted;
  switch (cut.status) {
  case Status::Stopped:
    return End::Stop;
  case Status::NewStore:
    return restart_store();
  case Status::Halted:
    set_state(State::Retrying, cut.reason);
    return stop_.wait_for(std::chrono::milliseconds(200)) ? std::nullopt : std::optional(End::Stop);
  case Status::NoneYet:
    pass_trial_if_idle();
    break;
  case Status::Segment:
    if (!batch_.empty()) {
      if (auto end = handle()) {
        return end;
      }
    } else {
      handled_without_statement(batch_.to(), 0);
      pass_trial_if_idle();
    }
    break;
  }
  if (const auto now = base::Clock::now(); now >= checkpoint_.due(now)) {
    checkpoint_.hand_over();
  }
  return std::nullopt;
}

std::optional<Worker::End> Worker::end_at_limit() {
  checkpoint_.hand_over();
  if (auto end = take_answer(true)) {
    return end;
  }
  return checkpoint_.all_stored() ? std::optional(End::Stop) : std::nullopt;
}

projector_batch Worker::describe_batch() {
  const auto call = deliveries_.next_call(batch_.events().front()->global_position);
  projector_batch batch{};
  batch.struct_size = sizeof batch;
  batch.attempt = call.attempt;
  batch.flags = call.flags;
  batch.events = batch_.events().data();
  batch.n_events = batch_.events().size();
  batch.head_position = services_.log.settled();
  return batch;
}

std::optional<Worker::End> Worker::handle() {
  const bool external = facts().external();
  if (!external) {
    // The compare-and-set needs the position that the row has.
    if (auto end = take_answer(true)) {
      return end;
    }
  }
  if (batch_.incarnation() != services_.log.incarnation()) {
    return std::nullopt;
  }
  const projector_batch described = describe_batch();
  if (!external) {
    transaction_->begin(move_to(batch_.to(), batch_.incarnation(), batch_.read_at()));
    if (checkpoint_.reset_due()) {
      const auto emptied = instance_->reset(*transaction_);
      if (const auto failure = transaction_->failure()) {
        transaction_->rollback();
        return after_failure(*failure);
      }
      if (!emptied.ok()) {
        transaction_->rollback();
        if (stop_.requested()) {
          return End::Stop;
        }
        return again_or_fail(reaction_to_status(emptied.status), "the plugin's reset failed: " + emptied.text);
      }
    }
  }
  PROJECTOR_TEST_POINT("before_handle");
  const auto outcome = instance_->handle(external ? nullptr : &*transaction_, described);
  PROJECTOR_TEST_POINT("after_handle");
  if (instance_->ended()) {
    transaction_->rollback();
    deliveries_.not_committed(batch_.events().back()->global_position);
    return after_crash(outcome.text, outcome.event_index);
  }
  if (!external && transaction_->failure()) {
    return commit();
  }
  if (!outcome.ok()) {
    transaction_->rollback();
    deliveries_.not_committed(batch_.events().back()->global_position);
    instance_->finished(false);
    if (external && outcome.status == PROJECTOR_RETRY && outcome.event_index != PROJECTOR_NO_EVENT) {
      return after_partial(outcome);
    }
    return react(reaction_to_status(outcome.status), outcome.text, outcome.event_index);
  }
  if (!external && (transaction_->used() || checkpoint_.reset_due())) {
    return commit();
  }
  instance_->finished(true);
  handled_without_statement(batch_.to(), batch_.events().size());
  return std::nullopt;
}

std::optional<Worker::End> Worker::commit() {
  if (!transaction_->failure() && transaction_->commit()) {
    committed(batch_.to(), batch_.incarnation());
    count(batch_.to(), batch_.events().size());
    instance_->finished(true);
    return std::nullopt;
  }
  const auto failure = *transaction_->failure();
  transaction_->rollback();
  deliveries_.not_committed(batch_.events().back()->global_position);
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
    return react(failure.reaction, explain(failure), failure.event_index);
  case Kind::StoreLost:
    return back_off(failure.text) ? std::nullopt : std::optional(End::Stop);
  case Kind::Fenced:
    spdlog::info("{}: {}", title_, failure.text);
    return End::Anew;
  case Kind::Moved: {
    const auto finding = look_at_checkpoint(read_checkpoint);
    // Where the host's own row has not moved, the mirrored one has: opening it again tells which and refuses.
    return finding ? end_of(*finding) : End::Stop;
  }
  case Kind::Connection:
    return after_lost_connection(failure);
  }
  return End::Anew;
}

std::optional<Worker::End> Worker::after_lost_connection(const BatchTransaction::Failure& failure) {
  if (!back_off(failure.text)) {
    return End::Stop;
  }
  if (checkpoint_.reset_due()) {
    return End::Anew; // opening the checkpoint again tells whether the read model was emptied
  }
  if (failure.doubtful) {
    checkpoint_.commit_lost(batch_.to(), batch_.incarnation());
  }
  // A session that the host lost may still be at its COMMIT.
  const auto finding = look_at_checkpoint(failure.doubtful ? read_checkpoint_at_rest : read_checkpoint);
  if (!finding) {
    return End::Stop;
  }
  if (*finding == Finding::Committed) {
    count(batch_.to(), batch_.events().size());
  }
  if (failure.doubtful) {
    instance_->finished(*finding == Finding::Committed);
  }
  return *finding == Finding::Committed || *finding == Finding::Unchanged ? std::nullopt
                                                                          : std::optional(end_of(*finding));
}

std::string Worker::explain(const BatchTransaction::Failure& failure) {
  if (failure.sqlstate != "55P03") {
    return failure.text;
  }
  std::string locks;
  try {
    locks = ask([](pg::Connection& connection) { return describe_table_locks(connection); });
  } catch (const std::exception&) {
    return failure.text; // it is reported without the explanation
  }
  return locks.empty() ? failure.text : fmt::format("{}: {}", failure.text, locks);
}

std::optional<Worker::End> Worker::after_partial(const plugin::Outcome& outcome) {
  if (outcome.event_index > 0 && outcome.event_index < batch_.events().size()) {
    handled_without_statement(batch_.events()[outcome.event_index - 1]->global_position, outcome.event_index);
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
  return reject(text, event_index);
}

std::optional<Worker::End> Worker::reject(const std::string& text, std::uint32_t event_index) {
  const auto n_events = static_cast<std::uint32_t>(batch_.events().size());
  if (trial_.running()) {
    return fail(fmt::format("{} was rejected: {}",
                            event_index < n_events ? describe(*batch_.events()[event_index])
                                                   : fmt::format("one of {} events from the {}", n_events,
                                                                 describe(*batch_.events().front())),
                            text));
  }
  if (!narrowing_.rejected(n_events, event_index, batch_.events().back()->global_position)) {
    return std::nullopt;
  }
  return fail(fmt::format("{} was rejected: {}", describe(*batch_.events().front()), text));
}

void Worker::handled_without_statement(std::int64_t position, std::uint64_t n_events) {
  checkpoint_.handled(position, batch_.incarnation(), batch_.read_at());
  count(position, n_events);
}

void Worker::count(std::int64_t position, std::uint64_t n_events) {
  narrowing_.passed(position);
  if (n_events > 0) {
    crashes_.handled(narrowing_.active());
    retries_ = 0;
    backoff_.reset();
    trial_.took(position);
  }
  status_.handled(position, checkpoint_.stored(), n_events);
  const std::int64_t behind = services_.log.settled() - position;
  const auto far = std::max<std::int64_t>(10000, std::int64_t{10} * assignment_.projection.batch_size);
  const bool live = behind <= 0 || (behind < far && status_.state() == State::Live);
  set_state(live ? State::Live : State::CatchingUp);
  passed_trial_if(trial_.stored(checkpoint_.stored()));
}

BatchTransaction::Move Worker::move_to(std::int64_t position, std::uint64_t incarnation, base::TimePoint read_at) {
  auto move = checkpoint_.move_to(position, read_at);
  if (services_.same_server) {
    move.confirm = [this, incarnation] { return services_.log.confirm(incarnation, stop_); };
  }
  return move;
}

void Worker::committed(std::int64_t position, std::uint64_t incarnation) {
  const auto reset = checkpoint_.committed(position, incarnation);
  if (!reset) {
    return;
  }
  spdlog::info("{}: the read model was emptied and is rebuilt in version {} from position {}", title_,
               reset->read_model_version, reset->start);
  trial_.pass();
  status_.reset_committed();
}

std::optional<Worker::End> Worker::reset_without_batch() {
  const std::int64_t position = checkpoint_.position();
  transaction_->begin(move_to(position, checkpoint_.incarnation(), base::TimePoint::max()));
  const auto outcome = instance_->reset(*transaction_);
  if (outcome.ok() && transaction_->commit()) {
    committed(position, checkpoint_.incarnation());
    return std::nullopt;
  }
  const auto failure = transaction_->failure();
  transaction_->rollback();
  const auto end = failure && failure->kind != BatchTransaction::Failure::Kind::Statement
                       ? after_failure(*failure)
                       : again_or_fail(failure ? failure->reaction : reaction_to_status(outcome.status),
                                       "the plugin's reset failed: " + (failure ? explain(*failure) : outcome.text));
  return end ? end : std::optional(End::Anew);
}

bool Worker::durable_only() const {
  return facts().external() || !services_.same_server;
}

/// How long to wait for events: until the checkpoint is due, a trial ends or the projection's row has to be compared
/// again, and only shortly while it is not known that there are none.
base::TimePoint Worker::wait_until() const {
  constexpr auto kSoon = std::chrono::milliseconds(100);
  constexpr auto kNextLook = std::chrono::seconds(1); // the row is read with each heartbeat
  const auto now = base::Clock::now();
  const base::Duration most = status_.state() == State::Live ? base::Duration(kNextLook) : base::Duration(kSoon);
  return std::min({checkpoint_.due(now), trial_.ends_at().value_or(base::never()), base::TimePoint(now + most)});
}

} // namespace projector::projection
