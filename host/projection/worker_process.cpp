#include "projection/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <system_error>

namespace projector::projection {
namespace {

spdlog::level::level_enum severity(std::int32_t level) {
  return level >= PROJECTOR_LOG_ERROR  ? spdlog::level::err
         : level == PROJECTOR_LOG_WARN ? spdlog::level::warn
         : level == PROJECTOR_LOG_INFO ? spdlog::level::info
                                       : spdlog::level::debug;
}

plugin::RunnerOptions runner_options(const WorkerAssignment& assignment, const std::string& title) {
  const auto& projection = assignment.projection;
  plugin::RunnerOptions options;
  options.file = assignment.plugin->file();
  options.name = projection.partitions == 1
                     ? projection.name
                     : fmt::format("{} {}/{}", projection.name, assignment.partition, projection.partitions);
  options.external = assignment.plugin->facts().external();
  options.sandbox = projection.sandbox;
  options.readable = projection.sandbox_read;
  options.writable = projection.sandbox_write;
  options.state_directory = assignment.state_directory;
  options.memory_max = projection.memory_max;
  options.nice = projection.nice;
  options.handle_timeout = projection.handle_timeout;
  options.log = [title](std::int32_t level, std::string_view text) {
    spdlog::log(severity(level), "{}: {}", title, text);
  };
  return options;
}

plugin::RunnerInstance::Object object_of(const WorkerAssignment& assignment) {
  return {.projection_name = assignment.projection.name,
          .partition_key = assignment.partition,
          .total_partitions = assignment.projection.partitions,
          .settings = assignment.settings};
}

} // namespace

WorkerStatus Worker::report() const {
  auto status = status_.get();
  const auto process = instance_.process();
  status.process = process.pid;
  status.restarts = process.restarts;
  status.private_bytes = process.usage.private_bytes.value_or(0);
  status.cpu = process.usage.cpu;
  return status;
}

std::optional<Worker::End> Worker::create_instance() {
  while (true) {
    try {
      instance_.start(services_.runner_host, runner_options(assignment_, title_));
    } catch (const std::system_error& error) {
      if (trial_.running()) {
        return fail(error.what());
      }
      if (!back_off(error.what())) {
        return End::Stop;
      }
      continue;
    }
    const auto outcome = instance_->create(object_of(assignment_));
    if (outcome.ok()) {
      return std::nullopt;
    }
    instance_.end();
    if (stop_.requested()) {
      return End::Stop;
    }
    if (outcome.status != PROJECTOR_RETRY || ++retries_ > assignment_.projection.max_retries) {
      return fail(fmt::format("the plugin's create failed: {}", outcome.text));
    }
    if (!back_off(outcome.text)) {
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
    if (auto end = create_instance()) {
      return end;
    }
  }
}

std::optional<Worker::End> Worker::renew_instance() {
  const auto retries = retries_;
  if (auto end = create_instance()) {
    return end;
  }
  if (auto end = set_up()) {
    return end;
  }
  retries_ = retries;
  return std::nullopt;
}

std::optional<Worker::End> Worker::look_at_instance() {
  if (facts().has_finished && checkpoint_.position() >= services_.log.settled()) {
    instance_->tell_finished();
  }
  instance_->look();
  return instance_->ended() ? after_unexplained_crash(*instance_->ended()) : std::nullopt;
}

std::optional<Worker::End> Worker::after_unexplained_crash(const std::string& text) {
  if (stop_.requested()) {
    return End::Stop;
  }
  if (crashes_.too_many(assignment_.projection.max_crashes)) {
    return fail(text);
  }
  if (!back_off(text)) {
    return End::Stop;
  }
  return renew_instance();
}

std::optional<Worker::End> Worker::after_crash(const std::string& text, std::uint32_t event_index) {
  if (stop_.requested()) {
    return End::Stop;
  }
  if (!instance_->ended_at_an_event()) {
    return after_unexplained_crash(text);
  }
  const auto& events = batch_.events();
  const auto where =
      event_index < events.size()
          ? fmt::format("it had begun the {}", describe(*events[event_index]))
          : fmt::format("it had {}the {}", events.size() == 1 ? "" : fmt::format("{} events from ", events.size()),
                        describe(*events.front()));
  if (!trial_.running() && crashes_.first_in_handle()) {
    return back_off(fmt::format("{}; {}", text, where)) ? renew_instance() : End::Stop;
  }
  spdlog::warn("{}: {}; {}", title_, text, where);
  if (auto end = reject(text, event_index)) {
    return end;
  }
  return renew_instance();
}

} // namespace projector::projection
