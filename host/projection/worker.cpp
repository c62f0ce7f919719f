#include "projection/worker.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace projector::projection {
namespace {

/// A list that facts leave out means all, as an empty list of a filter does.
eventlog::Filter filter_of(const plugin::Facts& facts, const CheckpointKey& key) {
  const plugin::Facts::Names all;
  return {facts.event_types.value_or(all), facts.aggregate_types.value_or(all), facts.bounded_contexts.value_or(all),
          key.partition, key.partitions};
}

TransactionOptions transaction_options(const WorkerAssignment& assignment, const WorkerServices& services,
                                       const CheckpointKey& key) {
  TransactionOptions options;
  options.projection = assignment.projection.name;
  options.key = key;
  options.schema = assignment.projection.schema;
  options.synchronous_commit = services.synchronous_commit;
  options.prepared_statements = services.prepared_statements;
  return options;
}

WorkerStatus first_status(const WorkerAssignment& assignment, const CheckpointKey& key) {
  WorkerStatus status;
  status.projection = assignment.projection.name;
  status.checkpoint = key.name();
  status.partition = key.partition;
  status.partitions = key.partitions;
  status.plugin = assignment.projection.plugin;
  status.plugin_version = assignment.plugin->facts().version;
  status.generation = assignment.generation;
  return status;
}

} // namespace

Worker::Worker(WorkerAssignment assignment, const WorkerServices& services)
    : assignment_(std::move(assignment)),
      services_(services), key_{assignment_.projection.checkpoint, assignment_.partition,
                                assignment_.projection.partitions},
      title_(key_.name()), status_(first_status(assignment_, key_), services.changed),
      requested_at_(assignment_.requested_at),
      checkpoint_(key_, assignment_.projection.checkpoint_interval,
                  [this](GroupedMove move, std::uint64_t incarnation, base::TimePoint read_at) {
                    return services_.checkpoints.submit(std::move(move), incarnation, read_at);
                  }),
      trial_(assignment_.trial, assignment_.projection.trial_time),
      backoff_(assignment_.projection.retry_backoff, assignment_.projection.retry_backoff_max) {
  thread_ = std::jthread([this] { run(); });
}

Worker::~Worker() {
  request_stop();
  thread_.join();
}

WorkerStatus Worker::status() const {
  return status_.get();
}

void Worker::run() noexcept {
  ::pthread_setname_np(::pthread_self(), title_.substr(0, 15).c_str());
  status_.set_thread(::gettid());
  while (!stop_.requested()) {
    End end = End::Stop;
    try {
      end = live();
    } catch (const pg::Interrupted&) {
      end = End::Stop;
    } catch (const std::exception& error) {
      end = fail(fmt::format("an error inside the host: {}", error.what()));
    }
    try {
      end_hand_over(end);
    } catch (const std::exception& error) {
      spdlog::warn("{}: the last handled position is not stored: {}", title_, error.what());
    }
    checkpoint_.close();
    cutter_.reset();
    instance_.end();
    transaction_.reset();
    if (end == End::Stop) {
      break;
    }
    try {
      if (end == End::Standby) {
        end = stand_by();
      } else if (end == End::Fail) {
        wait_after_failure();
      }
    } catch (const std::exception& error) {
      spdlog::warn("{}: {}", title_, error.what());
      stop_.wait_for(assignment_.projection.retry_backoff_max);
    }
  }
  set_state(State::Stopped);
}

Worker::End Worker::live() {
  const base::TimePoint started = base::Clock::now();
  set_state(State::Starting);
  narrowing_ = {};
  crashes_ = {};
  retries_ = 0;
  status_.set_trouble({});
  status_.set_opened(false);
  transaction_.emplace(services_.pool, services_.tables, transaction_options(assignment_, services_, key_), stop_);
  if (auto end = open_checkpoint_row()) {
    return *end;
  }
  if (auto end = create_instance()) {
    return *end;
  }
  if (auto end = set_up()) {
    return *end;
  }
  // Workers that one change started share their reads. One that begins anew by itself uses its own time.
  const base::TimePoint not_before = std::min(std::exchange(requested_at_, base::TimePoint::max()), started);
  cutter_.emplace(services_.log, filter_of(facts(), key_), durable_only(), not_before);
  if (checkpoint_.reset_due() && facts().external()) {
    if (auto end = reset_without_batch()) {
      return *end;
    }
  }
  set_state(State::CatchingUp);
  spdlog::info("{}: runs {} {} from position {}", title_, assignment_.projection.plugin, facts().version,
               checkpoint_.position());
  trial_.begin(base::Clock::now());
  while (!stop_.requested()) {
    if (auto end = one_batch()) {
      return *end;
    }
  }
  return End::Stop;
}

void Worker::wait_after_failure() {
  const auto interval = assignment_.projection.restart_interval;
  do {
    stop_.wait_for(interval == base::Duration::zero() ? std::chrono::hours(24 * 365) : interval);
  } while (trial_.running() && !stop_.requested());
}

void Worker::passed_trial_if(bool passed) {
  if (passed) {
    status_.passed_trial();
  }
}

void Worker::pass_trial_if_idle() {
  const bool passed = trial_.idle(base::Clock::now());
  if (passed) {
    spdlog::info("{}: had no event to handle for trial_time, so its trial ends", title_);
  }
  passed_trial_if(passed);
}

std::optional<Worker::End> Worker::again_or_fail(Reaction reaction, const std::string& text) {
  const bool again = reaction == Reaction::RetryForever ||
                     (reaction == Reaction::RetryCounted && ++retries_ <= assignment_.projection.max_retries);
  if (!again) {
    return fail(text);
  }
  return back_off(text) ? std::nullopt : std::optional(End::Stop);
}

Worker::End Worker::fail(std::string reason, State state) {
  // It fails again and again for one reason, which is logged as an error once.
  const bool logged = std::exchange(logged_failure_, reason) == reason;
  spdlog::log(logged ? spdlog::level::debug : spdlog::level::err, "{}: {}: {}", title_, to_string(state), reason);
  set_state(state, std::move(reason));
  return End::Fail;
}

bool Worker::back_off(const std::string& reason) {
  if (status_.state() != State::Retrying) {
    spdlog::warn("{}: retrying: {}", title_, reason);
  }
  set_state(State::Retrying, reason);
  return stop_.wait_for(backoff_.next());
}

void Worker::set_state(State state, std::string reason) {
  if (state == State::Live) {
    logged_failure_.clear();
  }
  status_.set_state(state, std::move(reason));
}

} // namespace projector::projection
