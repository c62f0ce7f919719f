#include "projection/bounded_statement.hpp"
#include "projection/clean_session.hpp"
#include "projection/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace projector::projection {

std::optional<std::int64_t> Worker::start_position() {
  const auto& from = assignment_.projection.start_from;
  if (from.kind == config::StartFrom::Kind::Beginning) {
    return 0;
  }
  if (from.kind == config::StartFrom::Kind::Position) {
    return from.position;
  }
  if (!services_.log.settle(stop_)) {
    return std::nullopt;
  }
  return services_.log.settled();
}

std::optional<Worker::End> Worker::open_checkpoint_row() {
  using Next = OpenedCheckpoint::Next;
  // Another host may have seen, and stored, what this one's log will see at its next look.
  int looks = 20;
  std::optional<std::int64_t> start;
  while (true) {
    store_ = services_.log.identity().store;
    incarnation_ = services_.log.incarnation();
    try {
      const auto opened = ask_for_checkpoint(start);
      if (opened.next == Next::NeedStart) {
        if (!(start = start_position())) {
          return End::Stop;
        }
        continue;
      }
      if (opened.next == Next::Wait) {
        set_state(State::Starting, "waits for the first partition to empty the read model");
      }
      if (opened.next == Next::Wait || (opened.above_store && --looks > 0)) {
        if (!pause(std::chrono::milliseconds(100))) {
          return End::Stop;
        }
        continue;
      }
      if (!opened.checkpoint) {
        return fail(opened.refusal, State::Refused);
      }
      begin_at(opened);
      if (const auto other = another_host_runs()) {
        set_opened(!*other && !reset_);
        return *other ? std::optional(End::Standby) : std::nullopt;
      }
      if (stop_.requested()) {
        return End::Stop;
      }
    } catch (const pg::Error& error) {
      if (reaction_to(error) != Reaction::RetryForever) {
        return fail(fmt::format("its checkpoint cannot be opened: {}", error.what()));
      }
      if (!back_off(error.what())) {
        return End::Stop;
      }
    }
  }
}

OpenedCheckpoint Worker::ask_for_checkpoint(std::optional<std::int64_t> start) {
  const auto& projection = assignment_.projection;
  CheckpointRequest request;
  request.key = key_;
  request.projection = projection.name;
  request.plugin = projection.plugin;
  request.read_model_version = assignment_.module->descriptor().read_model_version;
  request.store = store_;
  request.store_last = services_.log.last_position();
  request.start_position = start;
  request.rebuild.automatic = projection.rebuild == config::Rebuild::Automatic;
  request.rebuild.requested = assignment_.rebuild;
  request.rebuild.resettable = assignment_.module->descriptor().reset != nullptr;
  request.rebuild.leads = assignment_.leads;
  request.schema = projection.schema;
  request.autostarted = projection.autostarted;
  request.shares_tables = (assignment_.module->descriptor().flags & PROJECTOR_PLUGIN_TABLES_BY_PROJECTION) == 0;
  request.host = services_.host;
  auto lease = borrow_clean_session(services_.pool, projection.name, stop_, base::Duration::zero());
  return explaining_locks(lease.connection(), [&](pg::Connection& connection) {
    return open_checkpoint(connection, services_.tables, request);
  });
}

void Worker::begin_at(const OpenedCheckpoint& opened) {
  position_ = stored_ = opened.checkpoint->position;
  highest_ = opened.checkpoint->highest;
  epoch_ = opened.checkpoint->epoch;
  epoch_at_ = base::Clock::now();
  repeated_up_to_ = opened.checkpoint->fresh ? 0 : services_.log.last_position();
  read_at_ = base::TimePoint::max();
  stored_at_ = base::Clock::now();
  reset_.reset();
  if (opened.next == OpenedCheckpoint::Next::Reset) {
    const auto& from = assignment_.projection.start_from;
    // What was the end once is not known any more.
    position_ = from.kind == config::StartFrom::Kind::Position ? from.position : 0;
    highest_ = std::max(highest_, stored_);
    reset_ = BatchTransaction::Move::Reset{
        .start = position_, .read_model_version = assignment_.module->descriptor().read_model_version, .store = store_};
  }
}

std::optional<Worker::End> Worker::look_at_projection() {
  const auto read = services_.bookkeeper.stored();
  if (!read || read->asked_at <= epoch_at_) {
    return std::nullopt;
  }
  const auto stored = read->by_checkpoint.find(key_.base);
  if (stored != read->by_checkpoint.end() && stored->second.epoch == epoch_ &&
      stored->second.partitions == key_.partitions) {
    return std::nullopt;
  }
  spdlog::info("{}: the projection was repartitioned, reset or moved: opening its checkpoint again", title_);
  return End::Anew;
}

void Worker::set_opened(bool opened) {
  const std::lock_guard lock(mutex_);
  status_.opened = opened;
}

std::optional<Worker::End> Worker::look_at_checkpoint(bool doubtful) {
  while (true) {
    std::optional<Checkpoint> row;
    try {
      auto lease = borrow_clean_session(services_.pool, assignment_.projection.name, stop_, base::Duration::zero());
      // A session that the host lost may still be at its COMMIT.
      row = explaining_locks(lease.connection(), [&](pg::Connection& connection) {
        return doubtful ? read_checkpoint_at_rest(connection, services_.tables, key_)
                        : read_checkpoint(connection, services_.tables, key_);
      });
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
  if (handover_ || reset_ || position_ <= stored_) {
    return;
  }
  handed_over_ = position_;
  handover_ = services_.checkpoints.submit({key_, stored_, position_, epoch_}, incarnation_, read_at_);
  read_at_ = base::TimePoint::max();
}

std::optional<Worker::End> Worker::take_answer(bool wait) {
  if (!handover_) {
    return std::nullopt;
  }
  auto answer = handover_->answer();
  show_trouble();
  while (wait && answer == Handover::Answer::Pending && !stop_.requested()) {
    answer = handover_->wait(stop_, std::chrono::seconds(1));
    show_trouble();
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
  pass_trial_if_stored();
  return std::nullopt;
}

void Worker::show_trouble() {
  std::string trouble = handover_->trouble();
  {
    const std::lock_guard lock(mutex_);
    if (trouble == trouble_) {
      return;
    }
    trouble_ = std::move(trouble);
  }
  services_.changed();
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

void Worker::end_hand_over(End end) {
  const auto answer = [&] {
    if (end == End::Stop) {
      return handover_->wait(base::no_stop(), std::chrono::seconds(2));
    }
    auto now = Handover::Answer::Pending;
    while (now == Handover::Answer::Pending && !stop_.requested()) {
      now = handover_->wait(stop_, std::chrono::seconds(1));
    }
    return now;
  };
  if (handover_) {
    if (answer() != Handover::Answer::Written) {
      return;
    }
    stored_ = handed_over_;
    handover_.reset();
  }
  if ((end == End::Stop || end == End::Fail) && position_ > stored_ && !reset_) {
    hand_over();
    answer();
  }
}

base::TimePoint Worker::hand_over_at() const {
  const auto interval = assignment_.projection.checkpoint_interval;
  if (handover_) {
    return base::Clock::now() + interval;
  }
  return position_ > stored_ && !reset_ ? stored_at_ + interval : base::never();
}

} // namespace projector::projection
