#include "projection/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace projector::projection {

namespace {

/// Where a new projection starts; nothing for the end of the store, which only a look can tell.
std::optional<std::int64_t> configured_start(const config::StartFrom& from) {
  switch (from.kind) {
  case config::StartFrom::Kind::Beginning:
    return 0;
  case config::StartFrom::Kind::Position:
    return from.position;
  default:
    return std::nullopt;
  }
}

} // namespace

std::optional<Worker::End> Worker::open_checkpoint_row() {
  using Next = OpenedCheckpoint::Next;
  // Another host may have seen, and stored, what this one's log will see at its next look.
  int looks = 20;
  auto start = configured_start(assignment_.projection.start_from);
  while (true) {
    CheckpointTracker::Source source{.store = services_.log.identity().store,
                                     .incarnation = services_.log.incarnation()};
    try {
      const auto opened = ask_for_checkpoint(source.store, start);
      if (opened.next == Next::NeedStart) {
        if (!services_.log.settle(stop_)) {
          return End::Stop;
        }
        start = services_.log.settled();
        continue;
      }
      if (opened.next == Next::Wait) {
        set_state(State::Starting, "waits for the first partition to empty the read model");
      }
      if (opened.next == Next::Wait || (opened.above_store && --looks > 0)) {
        if (!stop_.wait_for(std::chrono::milliseconds(100))) {
          return End::Stop;
        }
        continue;
      }
      if (!opened.checkpoint) {
        return fail(opened.refusal, State::Refused);
      }
      begin_at(opened, std::move(source));
      if (const auto other = another_host_runs()) {
        status_.set_opened(!*other && !checkpoint_.reset_due());
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

OpenedCheckpoint Worker::ask_for_checkpoint(const std::string& store, std::optional<std::int64_t> start) {
  const auto& projection = assignment_.projection;
  CheckpointRequest request;
  request.key = key_;
  request.projection = projection.name;
  request.plugin = projection.plugin;
  request.read_model_version = facts().read_model_version;
  request.store = store;
  request.store_last = services_.log.last_position();
  request.start_position = start;
  request.rebuild.automatic = projection.rebuild == config::Rebuild::Automatic;
  request.rebuild.requested = assignment_.rebuild;
  request.rebuild.resettable = facts().has_reset;
  request.rebuild.leads = assignment_.leads;
  request.schema = projection.schema;
  request.autostarted = projection.autostarted;
  request.shares_tables = facts().shares_tables();
  request.host = services_.host;
  return ask([&](pg::Connection& connection) { return open_checkpoint(connection, services_.tables, request); });
}

void Worker::begin_at(const OpenedCheckpoint& opened, CheckpointTracker::Source source) {
  const auto& row = *opened.checkpoint;
  const std::int64_t repeated_up_to = row.fresh ? 0 : services_.log.last_position();
  if (opened.next != OpenedCheckpoint::Next::Reset) {
    deliveries_.begin(row.highest, repeated_up_to);
    checkpoint_.open(row, std::move(source), std::nullopt);
    return;
  }
  deliveries_.begin(std::max(row.highest, row.position), repeated_up_to);
  const auto& from = assignment_.projection.start_from;
  CheckpointTracker::Reset reset{
      // Where the store ended at the projection's first start is not known any more.
      .start = from.kind == config::StartFrom::Kind::Position ? from.position : 0,
      .read_model_version = facts().read_model_version,
      .store = source.store,
  };
  checkpoint_.open(row, std::move(source), std::move(reset));
}

std::optional<Worker::End> Worker::look_at_projection() {
  const auto read = services_.bookkeeper.stored();
  if (!read || !checkpoint_.outdated_by(*read)) {
    return std::nullopt;
  }
  spdlog::info("{}: the projection was repartitioned, reset or moved: opening its checkpoint again", title_);
  return End::Anew;
}

std::optional<Worker::Finding> Worker::look_at_checkpoint(ReadRow& read) {
  while (true) {
    std::optional<Checkpoint> row;
    try {
      row = ask([&](pg::Connection& connection) { return read(connection, services_.tables, key_); });
    } catch (const pg::Error& error) {
      if (!back_off(error.what())) {
        return std::nullopt;
      }
      continue;
    }
    const auto finding = checkpoint_.found(row);
    if (finding == Finding::CommitsLost) {
      spdlog::warn(
          "{}: the server lost this projection's last commits: its checkpoint is at {}, where this host had stored {}; "
          "continuing from there",
          title_, row->position, checkpoint_.stored());
    }
    return finding;
  }
}

Worker::End Worker::end_of(Finding finding) {
  return finding == Finding::Moved ? End::Standby : End::Anew;
}

std::optional<Worker::End> Worker::take_answer(bool wait) {
  Handover* handover = checkpoint_.handover();
  if (handover == nullptr) {
    return std::nullopt;
  }
  status_.set_trouble(handover->trouble());
  while (wait && handover->answer() == Handover::Answer::Pending && !stop_.requested()) {
    handover->wait(stop_, std::chrono::seconds(1));
    status_.set_trouble(handover->trouble());
  }
  switch (checkpoint_.take_answer()) {
  case Handover::Answer::Pending:
    return wait ? std::optional(End::Stop) : std::nullopt;
  case Handover::Answer::StoreLost:
    return End::Anew;
  case Handover::Answer::Moved: {
    const auto finding = look_at_checkpoint(read_checkpoint);
    if (finding != Finding::Committed) {
      return finding ? end_of(*finding) : End::Stop;
    }
    break;
  }
  case Handover::Answer::Written:
    break;
  }
  status_.set_stored(checkpoint_.stored());
  passed_trial_if(trial_.stored(checkpoint_.stored()));
  return std::nullopt;
}

std::optional<Worker::End> Worker::restart_store() {
  if (auto end = take_answer(true)) {
    return end;
  }
  if (!checkpoint_.all_stored() || services_.log.identity().store != checkpoint_.store()) {
    return End::Anew;
  }
  const auto finding = look_at_checkpoint(read_checkpoint);
  if (!finding) {
    return End::Stop;
  }
  if (*finding != Finding::Unchanged) {
    return end_of(*finding);
  }
  if (checkpoint_.stored() > services_.log.last_position()) {
    return End::Anew;
  }
  cutter_->restarted();
  return std::nullopt;
}

void Worker::end_hand_over(End end) {
  if (checkpoint_.handover() != nullptr && !written_at_end(end)) {
    return;
  }
  if (end == End::Stop || end == End::Fail) {
    checkpoint_.hand_over();
    if (checkpoint_.handover() != nullptr) {
      written_at_end(end);
    }
  }
}

bool Worker::written_at_end(End end) {
  Handover& handover = *checkpoint_.handover();
  if (end == End::Stop) {
    handover.wait(base::no_stop(), std::chrono::seconds(2));
  } else {
    while (!stop_.requested() && handover.wait(stop_, std::chrono::seconds(1)) == Handover::Answer::Pending) {
    }
  }
  if (checkpoint_.take_answer() != Handover::Answer::Written) {
    return false;
  }
  status_.set_stored(checkpoint_.stored());
  return true;
}

} // namespace projector::projection
