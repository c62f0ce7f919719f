#pragma once

#include "plugin/outcome.hpp"
#include "plugin/settings.hpp"
#include "plugin/statement_sink.hpp"
#include "runner/module.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace projector::runner {

struct InstanceOptions {
  std::string projection_name;
  std::uint32_t partition_key = 0;
  std::uint32_t total_partitions = 1;
  plugin::Settings settings;
  std::string state_directory; ///< empty: none is given
  /// Text is valid UTF-8 and one line. Called on any thread of the plugin's.
  std::function<void(std::int32_t level, const std::string& text)> log;
};

/// One plugin object, made for one projection partition. Created, called and destroyed on one thread, which is the
/// plugin's worker thread; the exceptions that a plugin lets out against the contract end here, as FATAL.
class Instance {
public:
  struct Created {
    std::unique_ptr<Instance> instance; ///< nothing unless outcome is OK
    plugin::Outcome outcome;
  };
  /// The plugin's stopping() returns what `stopping` returns, which is called on any thread. The module outlives it.
  static Created create(const Module& module, InstanceOptions options, std::function<bool()> stopping);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  plugin::Outcome setup(plugin::StatementSink& transaction);
  /// `transaction` is null for EXTERNAL plugins.
  plugin::Outcome handle(plugin::StatementSink* transaction, const projector_batch& batch);
  void finished(bool committed);
  plugin::Outcome reset(plugin::StatementSink& transaction);

private:
  struct State;
  explicit Instance(std::unique_ptr<State> state);
  [[nodiscard]] const projector_plugin& descriptor() const noexcept;
  std::unique_ptr<State> state_;
};

} // namespace projector::runner
