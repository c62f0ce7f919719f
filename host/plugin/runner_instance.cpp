#include "plugin/runner_instance.hpp"

#include "base/clean_text.hpp"
#include "channel/calls.hpp"
#include "channel/host_end.hpp"
#include "channel/memory.hpp"
#include "plugin/crash_text.hpp"
#include "plugin/runner_arguments.hpp"
#include "plugin/runner_call.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace projector::plugin {
namespace {

using channel::Kind;

constexpr base::Duration kForEver = std::chrono::hours(24 * 365);

std::string in_words(base::Duration limit) {
  return limit % std::chrono::seconds(1) == base::Duration::zero()
             ? fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(limit))
             : fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(limit));
}

} // namespace

struct RunnerInstance::State {
  State(const RunnerHost& host, RunnerOptions given)
      : options(std::move(given)), memory(channel::Memory::create()), end(*memory), runner(start(host)) {
    memory->close_descriptor();
  }

  Runner start(const RunnerHost& host) {
    Start start = runner_start(host, options, memory->descriptor());
    start.on_line = options.log;
    start.on_exit = [this](const Exit&) { end.close(); };
    try {
      return host.runners->start(std::move(start));
    } catch (const std::system_error& error) {
      throw std::system_error(error.code(), "cannot start a process of " + host.program->path().string());
    }
  }

  Outcome call(const char* function, Kind kind, StatementSink* sink, std::size_t n_events, base::Duration limit) {
    look();
    if (ended) {
      return {PROJECTOR_FATAL, *ended, PROJECTOR_NO_EVENT};
    }
    memory->clear_current();
    try {
      auto result = call_runner(end, kind, message.view(), sink, n_events, limit);
      if (!result.failure) {
        return with_way_out(std::move(result.outcome));
      }
      note_end(function, *result.failure, limit);
    } catch (...) {
      ended = fmt::format("its process was killed, since {} could not go on", function);
      runner.kill();
      throw;
    }
    const std::uint32_t current = memory->read_current();
    return {PROJECTOR_FATAL, *ended, current < n_events ? current : PROJECTOR_NO_EVENT};
  }

  /// The plugin knows only the error of the system call that was refused.
  Outcome with_way_out(Outcome outcome) const {
    const auto names = [&](int error) { return outcome.text.find(::strerrordesc_np(error)) != std::string::npos; };
    if (!outcome.ok() && options.sandbox && (names(EPERM) || names(EACCES))) {
      outcome.text +=
          "; if its sandbox is the cause, allow it with sandbox_read or sandbox_write, or with sandbox = false";
    }
    return outcome;
  }

  void look() {
    if (const auto exit = runner.exit(); exit && !ended) {
      ended = fmt::format("its process ended between two calls with {}{}", to_text(*exit), crash());
    }
  }

  void note_end(const char* function, const CallFailure& failure, base::Duration limit) {
    runner.kill();
    const bool finishing = memory->finishing();
    at_an_event = function == kHandle && !finishing;
    if (finishing) {
      function = "finished";
    }
    switch (failure.kind) {
    case CallFailure::Kind::TimeUp:
      ended =
          stopped && !destroying
              ? fmt::format("its process did not return from {} within {} after it was asked to stop, and was "
                            "killed",
                            function, in_words(kStopGrace))
              : fmt::format("its process did not return from {} within {}, and was killed", function, in_words(limit));
      break;
    case CallFailure::Kind::ProtocolError:
      ended =
          fmt::format("its process broke the rules of the channel in {}, and was killed: {}", function, failure.text);
      break;
    case CallFailure::Kind::Died:
      // on_exit, which has closed the channel, comes after the status is known.
      ended = died(function, runner.exit());
    }
  }

  std::string died(const char* function, const std::optional<Exit>& exit) const {
    if (exit && exit->code == channel::kCouldNotStart) {
      return fmt::format("its process could not start: {}", remark());
    }
    return fmt::format("its process ended in {} with {}{}", function, exit ? to_text(*exit) : "an unknown status",
                       crash());
  }

  std::string remark() const { return base::clean_text(memory->remark(), channel::kRemarkSize); }
  /// What the process said of its crash.
  std::string crash() const {
    const auto crash = memory->crash();
    return crash ? crash_text(*crash, options.file.name) : std::string();
  }

  /// The message of a call that carries nothing else.
  void begin_with_finished() {
    message.clear();
    channel::write_finished(message, std::exchange(finished, channel::Finished::None));
  }

  static constexpr const char* kHandle = "handle";

  const RunnerOptions options;
  const std::unique_ptr<channel::Memory> memory;
  channel::HostEnd end;
  channel::Writer message;
  channel::Finished finished = channel::Finished::None;
  std::optional<std::string> ended;
  bool at_an_event = false;
  bool destroying = false;
  std::atomic<bool> stopped = false;
  Runner runner; ///< declared last, so that no callback runs once the others are destroyed
};

RunnerInstance::RunnerInstance(const RunnerHost& host, RunnerOptions options)
    : state_(std::make_unique<State>(host, std::move(options))) {}

RunnerInstance::~RunnerInstance() {
  if (state_->ended) {
    return;
  }
  try {
    state_->destroying = true;
    state_->end.end_waits_at(channel::TimePoint::max());
    state_->begin_with_finished();
    const auto outcome = state_->call("destroy", Kind::Destroy, nullptr, 0, kDestroyTimeout);
    if (!outcome.ok() && state_->options.log) {
      state_->options.log(PROJECTOR_LOG_ERROR, outcome.text);
    }
  } catch (const std::exception&) { // NOLINT: no memory for the message; the process is killed all the same
  }
}

RunnerInstance::Described RunnerInstance::describe() {
  const auto& file = state_->options.file;
  auto description = describe_runner(state_->end, state_->options.call_timeout);
  const std::string unprotected = state_->remark();
  if (description.failure) {
    state_->note_end("loading the plugin", *description.failure, state_->options.call_timeout);
    return {std::nullopt, fmt::format("{} cannot be loaded: {}", file.source.string(), *state_->ended), unprotected};
  }
  if (!description.facts) {
    return {std::nullopt, description.refusal, unprotected};
  }
  if (const auto refusal = judge(*description.facts, file.name)) {
    return {std::nullopt, fmt::format("{} {}", file.source.string(), refusal->reason), unprotected};
  }
  return {std::move(description.facts), {}, unprotected};
}

Outcome RunnerInstance::create(const Object& object) {
  channel::Create create;
  create.projection_name = object.projection_name;
  create.partition_key = object.partition_key;
  create.total_partitions = object.total_partitions;
  for (const auto& [key, value] : object.settings.entries()) {
    create.settings.push_back({key, value});
  }
  if (!state_->options.state_directory.empty()) {
    create.state_directory = state_->options.state_directory;
  }
  state_->message.clear();
  channel::write_create(state_->message, create);
  return state_->call("create", Kind::Create, nullptr, 0, state_->options.call_timeout);
}

Outcome RunnerInstance::setup(StatementSink& transaction) {
  state_->message.clear();
  return state_->call("setup", Kind::Setup, &transaction, 0, state_->options.call_timeout);
}

Outcome RunnerInstance::handle(StatementSink* transaction, const projector_batch& batch) {
  const channel::Handle handle{.flags = batch.flags,
                               .attempt = batch.attempt,
                               .head_position = batch.head_position,
                               .transaction = transaction != nullptr,
                               .finished = std::exchange(state_->finished, channel::Finished::None)};
  state_->message.clear();
  channel::write_handle(state_->message, handle, batch.events, batch.n_events);
  const auto limit = state_->options.handle_timeout;
  return state_->call(State::kHandle, Kind::Handle, transaction, batch.n_events,
                      limit == base::Duration::zero() ? kForEver : limit);
}

void RunnerInstance::finished(bool committed) {
  state_->finished = committed ? channel::Finished::Committed : channel::Finished::RolledBack;
}

void RunnerInstance::tell_finished() {
  if (state_->finished != channel::Finished::None) {
    state_->begin_with_finished();
    state_->call("finished", Kind::Finished, nullptr, 0, state_->options.call_timeout);
  }
}

Outcome RunnerInstance::reset(StatementSink& transaction) {
  state_->begin_with_finished();
  return state_->call("reset", Kind::Reset, &transaction, 0, state_->options.call_timeout);
}

void RunnerInstance::stop() noexcept {
  state_->memory->set_stopping(true);
  if (!state_->stopped.exchange(true)) {
    state_->end.end_waits_at(channel::TimePoint::clock::now() + kStopGrace);
  }
}

const std::optional<std::string>& RunnerInstance::ended() const noexcept {
  return state_->ended;
}

bool RunnerInstance::ended_at_an_event() const noexcept {
  return state_->at_an_event;
}

void RunnerInstance::look() {
  state_->look();
}

pid_t RunnerInstance::pid() const noexcept {
  return state_->runner.pid();
}

Usage RunnerInstance::usage() const {
  if (const auto exit = state_->runner.exit()) {
    return {.cpu = exit->cpu};
  }
  return state_->runner.usage().value_or(Usage{});
}

} // namespace projector::plugin
