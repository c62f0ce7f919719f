#include "plugin/runner_instance.hpp"

#include "channel/calls.hpp"
#include "channel/host_end.hpp"
#include "channel/memory.hpp"
#include "plugin/runner_call.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace projector::plugin {
namespace {

using channel::Kind;

constexpr base::Duration kForEver = std::chrono::hours(24 * 365);
constexpr int kChannel = Start::kFirstDescriptor;
constexpr int kEvents = Start::kFirstDescriptor + 1;

std::vector<std::string> arguments_of(const RunnerHost& host, const RunnerOptions& options) {
  std::vector<std::string> arguments = {
      "--parent",      std::to_string(::getpid()),
      "--channel",     std::to_string(kChannel),
      "--log",         std::to_string(Start::kLogDescriptor),
      "--plugin",      options.file.copy.string(),
      "--source",      options.file.source.string(),
      "--plugin-name", options.file.name,
      "--name",        options.file.name,
      "--readable",    options.file.copy.string(),
  };
  const auto add = [&](const char* name, std::string value) {
    arguments.emplace_back(name);
    arguments.push_back(std::move(value));
  };
  if (host.events >= 0) {
    add("--events", std::to_string(kEvents));
    add("--events-address", std::to_string(reinterpret_cast<std::uintptr_t>(host.events_address)));
    add("--events-size", std::to_string(host.events_size));
  }
  if (!options.state_directory.empty()) {
    add("--state-directory", options.state_directory);
  }
  if (options.memory_max != 0) {
    add("--memory-max", std::to_string(options.memory_max));
  }
  if (options.nice) {
    add("--nice", std::to_string(*options.nice));
  }
  if (options.external) {
    arguments.emplace_back("--external");
  }
  if (!options.sandbox) {
    arguments.emplace_back("--no-sandbox");
  }
  return arguments;
}

} // namespace

struct RunnerInstance::State {
  State(const RunnerHost& host, RunnerOptions given)
      : options(std::move(given)), memory(channel::Memory::create()), end(*memory), runner(start(host)) {
    memory->close_descriptor();
  }

  Runner start(const RunnerHost& host) {
    Start start;
    start.program = host.program.string();
    start.title = options.title;
    start.arguments = arguments_of(host, options);
    start.descriptors = {memory->descriptor()};
    if (host.events >= 0) {
      start.descriptors.push_back(host.events);
    }
    start.on_line = options.log;
    start.on_exit = [this](const Exit&) { end.close(); };
    return host.runners.start(std::move(start));
  }

  Outcome call(const char* function, Kind kind, StatementSink* sink, std::size_t n_events, base::Duration limit) {
    if (ended) {
      return {PROJECTOR_FATAL, *ended, PROJECTOR_NO_EVENT};
    }
    memory->clear_current();
    auto result = call_runner(end, kind, message.view(), sink, n_events, limit);
    if (!result.failure) {
      return std::move(result.outcome);
    }
    note_end(function, *result.failure, limit);
    const std::uint32_t current = memory->read_current();
    return {PROJECTOR_FATAL, *ended, current < n_events ? current : PROJECTOR_NO_EVENT};
  }

  void note_end(const char* function, const CallFailure& failure, base::Duration limit) {
    runner.kill();
    switch (failure.kind) {
    case CallFailure::Kind::TimeUp:
      ended = fmt::format("did not return from {} within {}, and its process was killed", function,
                          std::chrono::duration_cast<std::chrono::milliseconds>(limit));
      break;
    case CallFailure::Kind::ProtocolError:
      ended =
          fmt::format("broke the rules of the channel in {}, and its process was killed: {}", function, failure.text);
      break;
    case CallFailure::Kind::Died:
      ended = fmt::format("ended in {} with {}{}", function, exit_text(), crash_text());
    }
  }

  /// on_exit, which has closed the channel, comes after the status is known.
  std::string exit_text() const {
    const auto exit = runner.exit();
    return exit ? to_text(*exit) : "an unknown status";
  }
  /// What the process said of itself.
  std::string crash_text() const {
    const auto crash = memory->crash();
    if (!crash) {
      return {};
    }
    return crash->plugin_offset == channel::Crash::kOutside
               ? fmt::format(" at {:#x}, outside the plugin, address {:#x}", crash->instruction, crash->fault_address)
               : fmt::format(" at {}.so+{:#x}, address {:#x}", options.file.name, crash->plugin_offset,
                             crash->fault_address);
  }

  /// The message of a call that carries nothing else.
  void begin_with_finished() {
    message.clear();
    channel::write_finished(message, std::exchange(finished, channel::Finished::None));
  }

  const RunnerOptions options;
  const std::unique_ptr<channel::Memory> memory;
  channel::HostEnd end;
  channel::Writer message;
  channel::Finished finished = channel::Finished::None;
  std::optional<std::string> ended;
  Runner runner; ///< declared last, so that no callback runs once the others are destroyed
};

RunnerInstance::RunnerInstance(const RunnerHost& host, RunnerOptions options)
    : state_(std::make_unique<State>(host, std::move(options))) {}

RunnerInstance::~RunnerInstance() {
  if (!state_->ended) {
    state_->begin_with_finished();
    const auto outcome = state_->call("destroy", Kind::Destroy, nullptr, 0, kDestroyTimeout);
    if (!outcome.ok() && state_->options.log) {
      state_->options.log(PROJECTOR_LOG_ERROR, outcome.text);
    }
  }
}

RunnerInstance::Described RunnerInstance::describe() {
  const auto& file = state_->options.file;
  auto description = describe_runner(state_->end, state_->options.call_timeout);
  if (description.failure) {
    state_->note_end("loading", *description.failure, state_->options.call_timeout);
    return {std::nullopt, fmt::format("{} {}", file.source.string(), *state_->ended)};
  }
  if (!description.facts) {
    return {std::nullopt, description.refusal};
  }
  if (const auto refusal = judge(*description.facts, file.name)) {
    return {std::nullopt, fmt::format("{} {}", file.source.string(), refusal->reason)};
  }
  return {std::move(description.facts), {}};
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
  return state_->call("handle", Kind::Handle, transaction, batch.n_events,
                      limit == base::Duration::zero() ? kForEver : limit);
}

void RunnerInstance::finished(bool committed) {
  state_->finished = committed ? channel::Finished::Committed : channel::Finished::RolledBack;
}

Outcome RunnerInstance::reset(StatementSink& transaction) {
  state_->begin_with_finished();
  return state_->call("reset", Kind::Reset, &transaction, 0, state_->options.call_timeout);
}

void RunnerInstance::stop() noexcept {
  state_->memory->set_stopping(true);
}

const std::optional<std::string>& RunnerInstance::ended() const noexcept {
  return state_->ended;
}

pid_t RunnerInstance::pid() const noexcept {
  return state_->runner.pid();
}

} // namespace projector::plugin
