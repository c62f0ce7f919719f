#pragma once

#include "base/stop.hpp"
#include "plugin/module.hpp"
#include "plugin/settings.hpp"
#include "plugin/statement_sink.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace projector::plugin {

/// The result of a call into a plugin.
struct Outcome {
  projector_status status = PROJECTOR_OK; ///< one of the four; an unknown one has become FATAL
  std::string text;                       ///< the plugin's message, valid UTF-8, bounded
  std::uint32_t event_index = PROJECTOR_NO_EVENT;
  [[nodiscard]] bool ok() const noexcept { return status == PROJECTOR_OK; }
};

struct InstanceOptions {
  std::string projection_name;
  std::uint32_t partition_key = 0;
  std::uint32_t total_partitions = 1;
  Settings settings;
  std::string state_directory; ///< empty: none is given
  /// Text is valid UTF-8 and one line. Called on any thread of the plugin's.
  std::function<void(std::int32_t level, const std::string& text)> log;
};

/// One plugin object, made for one projection partition. Created, called and destroyed on its worker's thread; the
/// exceptions that a plugin lets out against the contract end here, as FATAL.
class Instance {
public:
  struct Created {
    std::unique_ptr<Instance> instance; ///< nothing unless outcome is OK
    Outcome outcome;
  };
  /// The plugin's stopping() returns whether `stop` is requested; `stop` outlives the instance.
  static Created create(std::shared_ptr<Module> module, InstanceOptions options, const base::Stop& stop);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  Outcome setup(StatementSink& transaction);
  /// `transaction` is null for EXTERNAL plugins.
  Outcome handle(StatementSink* transaction, const projector_batch& batch);
  void finished(bool committed);
  Outcome reset(StatementSink& transaction);

private:
  struct State;
  explicit Instance(std::unique_ptr<State> state);
  [[nodiscard]] const projector_plugin& descriptor() const noexcept;
  std::unique_ptr<State> state_;
};

} // namespace projector::plugin
