#include "runner/serve.hpp"

#include "channel/calls.hpp"
#include "channel/kind.hpp"
#include "channel/runner_end.hpp"
#include "plugin/facts_message.hpp"
#include "runner/channel_sink.hpp"
#include "runner/instance.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace projector::runner {
namespace {

using channel::Kind;
using plugin::Outcome;

Outcome failed(std::string text) {
  return {PROJECTOR_FATAL, std::move(text), PROJECTOR_NO_EVENT};
}

/// One plugin instance, between two calls. The calls come in any order that the host wants; one that makes no sense is
/// answered with FATAL.
class Server {
public:
  Server(channel::Memory& memory, channel::LogSender& log, const PluginFile& file,
         const std::function<void(const projector_plugin&)>& loaded)
      : memory_(memory), log_(log), file_(file), loaded_(loaded), end_(memory), sink_(end_) {}

  /// False after the last call.
  bool serve_one() {
    const auto message = end_.receive();
    if (!message) {
      return false;
    }
    const auto kind = static_cast<Kind>(message->kind);
    if (kind == Kind::Describe) {
      describe();
      return true;
    }
    const Outcome outcome = call(kind, message->bytes);
    sink_.end({outcome.status, outcome.event_index, outcome.text});
    return kind != Kind::Destroy;
  }

private:
  void describe() {
    if (const auto refusal = load(); !refusal.empty()) {
      sink_.end({PROJECTOR_FATAL, PROJECTOR_NO_EVENT, refusal});
      return;
    }
    channel::Writer facts;
    plugin::write_facts(facts, module_->facts());
    if (!end_.send(channel::number_of(Kind::Facts), facts.view())) {
      throw ChannelClosed();
    }
  }

  Outcome call(Kind kind, std::string_view bytes) {
    switch (kind) {
    case Kind::Create:
      return create(channel::read_create(bytes));
    case Kind::Setup:
      return instance_ ? instance_->setup(sink_) : failed("setup was called before create");
    case Kind::Handle:
      return handle(bytes);
    case Kind::Reset:
      finish(channel::read_finished(bytes));
      return instance_ ? instance_->reset(sink_) : failed("reset was called before create");
    case Kind::Finished:
      finish(channel::read_finished(bytes));
      return {};
    case Kind::Destroy:
      finish(channel::read_finished(bytes));
      instance_.reset();
      return {};
    default:
      return failed("the host made a call that this runner does not know");
    }
  }

  /// The reason why the plugin cannot be loaded; empty once it is.
  std::string load() {
    if (!module_) {
      auto loaded = Module::load(file_);
      if (loaded.refusal) {
        return loaded.refusal->reason;
      }
      module_ = std::move(loaded.module);
      if (loaded_) {
        loaded_(module_->descriptor());
      }
    }
    return {};
  }

  Outcome create(const channel::Create& create) {
    if (auto refusal = load(); !refusal.empty()) {
      return failed(std::move(refusal));
    }
    InstanceOptions options;
    options.projection_name = create.projection_name;
    options.partition_key = create.partition_key;
    options.total_partitions = create.total_partitions;
    std::vector<plugin::Settings::Entry> settings;
    for (const auto& [key, value] : create.settings) {
      settings.push_back({key, value});
    }
    options.settings = plugin::Settings(std::move(settings));
    options.state_directory = create.state_directory.value_or("");
    options.log = [this](std::int32_t level, const std::string& text) { log_.send(level, text); };
    auto created = Instance::create(*module_, std::move(options), [this] { return memory_.stopping(); });
    instance_ = std::move(created.instance);
    return std::move(created.outcome);
  }

  Outcome handle(std::string_view bytes) {
    channel::read_handle(bytes, handle_);
    if (!instance_) {
      return failed("handle was called before create");
    }
    finish(handle_.finished);
    projector_batch batch = {};
    batch.struct_size = sizeof batch;
    batch.flags = handle_.flags;
    batch.attempt = handle_.attempt;
    batch.events = handle_.events.data();
    batch.n_events = handle_.events.size();
    batch.head_position = handle_.head_position;
    batch.current = memory_.current();
    return instance_->handle(handle_.transaction ? &sink_ : nullptr, batch);
  }

  void finish(channel::Finished finished) {
    if (finished != channel::Finished::None && instance_) {
      memory_.set_finishing(true);
      instance_->finished(finished == channel::Finished::Committed);
      memory_.set_finishing(false);
    }
  }

  channel::Memory& memory_;
  channel::LogSender& log_;
  const PluginFile& file_;
  const std::function<void(const projector_plugin&)>& loaded_;
  channel::RunnerEnd end_;
  ChannelSink sink_;
  channel::Handle handle_;
  std::optional<Module> module_;
  std::unique_ptr<Instance> instance_;
};

} // namespace

void serve(channel::Memory& memory, channel::LogSender& log, const PluginFile& file,
           const std::function<void(const projector_plugin&)>& loaded) {
  Server server(memory, log, file, loaded);
  try {
    while (server.serve_one()) {
    }
  } catch (const ChannelClosed&) { // NOLINT: the host is gone, and nobody waits for an answer
  } catch (const std::exception& error) {
    log.send(PROJECTOR_LOG_ERROR, error.what());
  }
}

} // namespace projector::runner
