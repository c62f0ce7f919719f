#include "projection/worker.hpp"

#include "projection/clean_session.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace projector::projection {
namespace {

plugin::InstanceOptions instance_options(const WorkerAssignment& assignment, const std::string& title) {
  plugin::InstanceOptions options;
  options.projection_name = assignment.projection.name;
  options.partition_key = assignment.partition;
  options.total_partitions = assignment.projection.partitions;
  options.settings = assignment.settings;
  options.state_directory = assignment.state_directory;
  options.log = [title](std::int32_t level, const std::string& text) {
    const auto severity = level >= PROJECTOR_LOG_ERROR  ? spdlog::level::err
                          : level == PROJECTOR_LOG_WARN ? spdlog::level::warn
                          : level == PROJECTOR_LOG_INFO ? spdlog::level::info
                                                        : spdlog::level::debug;
    spdlog::log(severity, "{}: {}", title, text);
  };
  return options;
}

std::vector<std::string> list_of(const char* const* names) {
  std::vector<std::string> list;
  for (; names != nullptr && *names != nullptr; ++names) {
    list.emplace_back(*names);
  }
  return list;
}

eventlog::Filter filter_of(const projector_plugin& plugin, const CheckpointKey& key) {
  return {list_of(plugin.event_types), list_of(plugin.aggregate_types), list_of(plugin.bounded_contexts), key.partition,
          key.partitions};
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

} // namespace

Worker::Worker(WorkerAssignment assignment, const WorkerServices& services)
    : assignment_(std::move(assignment)),
      services_(services), key_{assignment_.projection.checkpoint, assignment_.partition,
                                assignment_.projection.partitions},
      title_(key_.name()), asked_at_(assignment_.asked_at),
      backoff_(assignment_.projection.retry_backoff, assignment_.projection.retry_backoff_max) {
  status_.projection = assignment_.projection.name;
  status_.checkpoint = key_.name();
  status_.partition = key_.partition;
  status_.partitions = key_.partitions;
  status_.plugin = assignment_.projection.plugin;
  status_.plugin_version = assignment_.module->descriptor().version;
  status_.generation = assignment_.generation;
  thread_ = std::jthread([this] { run(); });
}

Worker::~Worker() {
  request_stop();
  thread_.join();
}

WorkerStatus Worker::status() const {
  const std::lock_guard lock(mutex_);
  WorkerStatus status = status_;
  if (status.reason.empty()) {
    status.reason = trouble_;
  }
  return status;
}

void Worker::run() noexcept {
  ::pthread_setname_np(::pthread_self(), title_.substr(0, 15).c_str());
  {
    const std::lock_guard lock(mutex_);
    status_.thread = ::gettid();
  }
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
      spdlog::warn("{}: what it handled last is not stored: {}", title_, error.what());
    }
    handover_.reset();
    cutter_.reset();
    instance_.reset();
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
      pause(assignment_.projection.retry_backoff_max);
    }
  }
  set_state(State::Stopped);
}

Worker::End Worker::live() {
  const base::TimePoint started = base::Clock::now();
  set_state(State::Starting);
  narrowing_ = {};
  retries_ = attempt_ = 0;
  first_position_ = -1;
  position_ = stored_;
  {
    const std::lock_guard lock(mutex_);
    trouble_.clear();
    status_.opened = false;
  }
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
  // Workers that one change started share what they read; one that starts anew by itself goes by its own time.
  const base::TimePoint not_before = std::min(std::exchange(asked_at_, base::TimePoint::max()), started);
  cutter_.emplace(services_.log, filter_of(instance_->descriptor(), key_), durable_only(), not_before);
  if (reset_ && instance_->external()) {
    if (auto end = reset_without_batch()) {
      return *end;
    }
  }
  set_state(State::CatchingUp);
  spdlog::info("{}: runs {} {} from position {}", title_, assignment_.projection.plugin,
               instance_->descriptor().version, position_);
  begin_trial();
  while (!stop_.requested()) {
    if (auto end = one_batch()) {
      return *end;
    }
  }
  return End::Stop;
}

std::optional<Worker::End> Worker::create_instance() {
  while (true) {
    auto created = plugin::Instance::create(assignment_.module, instance_options(assignment_, title_), stop_);
    if (created.outcome.ok()) {
      instance_ = std::move(created.instance);
      return std::nullopt;
    }
    if (created.outcome.status != PROJECTOR_RETRY || ++retries_ > assignment_.projection.max_retries) {
      return fail(fmt::format("the plugin's create failed: {}", created.outcome.text));
    }
    if (!back_off(created.outcome.text)) {
      return End::Stop;
    }
  }
}

std::optional<Worker::End> Worker::set_up() {
  while (true) {
    transaction_->begin(std::nullopt);
    const auto outcome = instance_->setup(*transaction_);
    const bool needed = transaction_->used() || !assignment_.projection.schema.empty();
    if (outcome.ok() && !transaction_->failure() && (!needed || transaction_->commit())) {
      retries_ = 0;
      backoff_.reset();
      return std::nullopt;
    }
    const auto failure = transaction_->failure();
    transaction_->rollback();
    if (stop_.requested()) {
      return End::Stop;
    }
    const std::string text = failure ? explain(*failure) : outcome.text;
    const Reaction reaction = failure ? failure->reaction : reaction_to_status(outcome.status);
    if (auto end = again_or_fail(reaction, fmt::format("the plugin's setup failed: {}", text))) {
      return end;
    }
    // One setup after each create, so that a plugin never sees a second one.
    instance_.reset();
    if (auto end = create_instance()) {
      return end;
    }
  }
}

void Worker::wait_after_failure() {
  const auto interval = assignment_.projection.restart_interval;
  do {
    pause(interval == base::Duration::zero() ? std::chrono::hours(24 * 365) : interval);
  } while (on_trial() && !stop_.requested());
}

bool Worker::on_trial() const {
  // Only this thread writes `passed_trial`, so that it may look without the lock.
  return assignment_.trial && *assignment_.trial && !status_.passed_trial;
}

void Worker::pass_trial() {
  if (status_.passed_trial) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    status_.passed_trial = true;
  }
  services_.changed();
}

void Worker::pass_trial_if_stored() {
  if (first_accepted_ && *first_accepted_ <= stored_) {
    pass_trial();
  }
}

void Worker::begin_trial() {
  trial_until_ = trial_until_.value_or(base::Clock::now() + assignment_.projection.trial_time);
}

void Worker::pass_trial_if_idle() {
  if (on_trial() && base::Clock::now() >= *trial_until_) {
    spdlog::info("{}: had no event to handle for trial_time, so its trial ends", title_);
    pass_trial();
  }
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
  // It is tried again and again; what has not changed since is known.
  const bool told = std::exchange(told_failure_, reason) == reason;
  spdlog::log(told ? spdlog::level::debug : spdlog::level::err, "{}: {}: {}", title_, to_string(state), reason);
  set_state(state, std::move(reason));
  return End::Fail;
}

bool Worker::back_off(const std::string& reason) {
  if (status().state != State::Retrying) {
    spdlog::warn("{}: retrying: {}", title_, reason);
  }
  set_state(State::Retrying, reason);
  return pause(backoff_.next());
}

bool Worker::pause(base::Duration duration) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop_.token(), duration, [] { return false; });
  return !stop_.requested();
}

void Worker::set_state(State state, std::string reason) {
  if (state == State::Live) {
    told_failure_.clear();
  }
  {
    const std::lock_guard lock(mutex_);
    if (status_.state == state && status_.reason == reason) {
      return;
    }
    status_.state = state;
    status_.reason = std::move(reason);
  }
  services_.changed();
}

} // namespace projector::projection
