#include "runner/instance.hpp"

#include "base/clean_text.hpp"
#include "runner/host_table.hpp"

#include <cxxabi.h>
#include <fmt/core.h>

#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace projector::runner {

namespace {

using plugin::Outcome;
using plugin::Settings;
using plugin::StatementSink;

constexpr std::size_t kLongestText = 4096;

/// The error that a plugin fills.
class ErrorBuffer {
public:
  ErrorBuffer() { text_[0] = '\0'; }
  ErrorBuffer(const ErrorBuffer&) = delete;
  ErrorBuffer& operator=(const ErrorBuffer&) = delete;

  projector_error* get() noexcept { return &error_; }
  /// Reads the host's own buffer, even if the plugin has changed the pointer or the size.
  [[nodiscard]] std::string text() const {
    return base::clean_text({text_.data(), ::strnlen(text_.data(), text_.size())}, kLongestText);
  }
  [[nodiscard]] std::uint32_t event_index() const noexcept { return error_.event_index; }

private:
  std::array<char, kLongestText> text_;
  projector_error error_{sizeof(projector_error), PROJECTOR_NO_EVENT, text_.data(), text_.size()};
};

Outcome threw(const char* function, std::string_view what) {
  return {PROJECTOR_FATAL,
          fmt::format("{} threw an exception through the ABI: {}", function, base::clean_text(what, kLongestText)),
          PROJECTOR_NO_EVENT};
}

/// Runs a call into the plugin, and turns an exception into an outcome. Nothing if the call returned.
template <class Function>
std::optional<Outcome> sealed(const char* function, Function call) {
  try {
    call();
    return std::nullopt;
  } catch (const abi::__forced_unwind&) {
    throw; // the unwinding of a cancelled thread must not be stopped
  } catch (const std::exception& error) {
    return threw(function, error.what());
  } catch (...) {
    return threw(function, "not a std::exception");
  }
}

Outcome outcome_of(const char* function, projector_status status, const ErrorBuffer& error, std::size_t n_events) {
  Outcome outcome{status, error.text(), PROJECTOR_NO_EVENT};
  switch (status) {
  case PROJECTOR_OK:
    return {};
  case PROJECTOR_RETRY:
  case PROJECTOR_REJECT:
  case PROJECTOR_FATAL:
    if (error.event_index() < n_events) {
      outcome.event_index = error.event_index();
    }
    if (outcome.text.empty()) {
      outcome.text = fmt::format("{} gave no reason", function);
    }
    return outcome;
  default:
    outcome.status = PROJECTOR_FATAL;
    outcome.text = fmt::format("{} returned the unknown status {}{}{}", function, status,
                               outcome.text.empty() ? "" : ": ", outcome.text);
    return outcome;
  }
}

} // namespace

struct Instance::State {
  State(const Module& loaded, InstanceOptions given, std::function<bool()> stopping)
      : plugin(loaded.descriptor()), options(std::move(given)), host(options.log, std::move(stopping)) {
    for (const Settings::Entry& entry : options.settings.entries()) {
      settings.push_back({entry.key.c_str(), entry.value.c_str()});
    }
    config.struct_size = sizeof config;
    config.partition_key = options.partition_key;
    config.total_partitions = options.total_partitions;
    config.projection_name = options.projection_name.c_str();
    config.settings = settings.data();
    config.n_settings = settings.size();
    config.state_directory = options.state_directory.empty() ? nullptr : options.state_directory.c_str();
  }

  template <class Function>
  Outcome call(const char* function, StatementSink* sink, std::size_t n_events, Function plugin_function) {
    if (broken) {
      return *broken;
    }
    HostTable::Call running(host, sink, n_events);
    ErrorBuffer error;
    projector_status status = PROJECTOR_OK;
    if (auto thrown = sealed(function, [&] { status = plugin_function(running.transaction(), error.get()); })) {
      return *thrown;
    }
    const auto failure = running.failure();
    if (status == PROJECTOR_OK && failure) {
      return {failure->status, failure->text, failure->event_index};
    }
    return outcome_of(function, status, error, n_events);
  }

  const projector_plugin& plugin;
  InstanceOptions options;
  std::vector<projector_setting> settings;
  projector_config config = {};
  HostTable host;
  void* object = nullptr;
  /// The result of all further calls after a function without a status has thrown.
  std::optional<Outcome> broken;
};

Instance::Instance(std::unique_ptr<State> state) : state_(std::move(state)) {}

Instance::Created Instance::create(const Module& module, InstanceOptions options, std::function<bool()> stopping) {
  auto state = std::make_unique<State>(module, std::move(options), std::move(stopping));
  Outcome outcome = state->call("create", nullptr, 0, [&](projector_tx*, projector_error* error) {
    return state->plugin.create(&state->host.table(), &state->config, &state->object, error);
  });
  if (!outcome.ok()) {
    return {nullptr, std::move(outcome)};
  }
  return {std::unique_ptr<Instance>(new Instance(std::move(state))), {}};
}

Instance::~Instance() {
  const auto thrown = sealed("destroy", [&] { descriptor().destroy(state_->object); });
  if (thrown && state_->options.log) {
    state_->options.log(PROJECTOR_LOG_ERROR, thrown->text);
  }
}

const projector_plugin& Instance::descriptor() const noexcept {
  return state_->plugin;
}

Outcome Instance::setup(StatementSink& transaction) {
  if (descriptor().setup == nullptr) {
    return {};
  }
  return state_->call("setup", &transaction, 0, [&](projector_tx* tx, projector_error* error) {
    return descriptor().setup(state_->object, tx, error);
  });
}

Outcome Instance::handle(StatementSink* transaction, const projector_batch& batch) {
  return state_->call("handle", transaction, batch.n_events, [&](projector_tx* tx, projector_error* error) {
    return descriptor().handle(state_->object, tx, &batch, error);
  });
}

void Instance::finished(bool committed) {
  if (descriptor().finished == nullptr || state_->broken) {
    return;
  }
  state_->broken = sealed("finished", [&] { descriptor().finished(state_->object, committed ? 1 : 0); });
}

Outcome Instance::reset(StatementSink& transaction) {
  if (descriptor().reset == nullptr) {
    return {PROJECTOR_FATAL, "the plugin has no reset: its read model cannot be rebuilt", PROJECTOR_NO_EVENT};
  }
  return state_->call("reset", &transaction, 0, [&](projector_tx* tx, projector_error* error) {
    return descriptor().reset(state_->object, tx, error);
  });
}

} // namespace projector::runner
