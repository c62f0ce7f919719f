#pragma once

#include "channel/host_end.hpp"
#include "channel/kind.hpp"
#include "channel/statements.hpp"
#include "channel/writer.hpp"
#include "plugin/facts.hpp"
#include "plugin/outcome.hpp"
#include "plugin/statement_sink.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace projector::plugin {

/// Why a call into a runner did not come to its end.
struct CallFailure {
  enum class Kind {
    Died,          ///< the process ended
    TimeUp,        ///< it did not answer in time
    ProtocolError, ///< it broke the rules of the channel
  };
  Kind kind = Kind::Died;
  std::string text; ///< for ProtocolError: what was found and what was expected
};

struct CallResult {
  Outcome outcome;                    ///< FATAL with a failure
  std::optional<CallFailure> failure; ///< the runner is of no more use
};

/// Makes one call into a runner and serves what it asks for meanwhile: its statements go to `sink`, which is null if
/// the plugin gets no transaction. What comes from the runner is checked as if anybody had sent it. `limit` is the time
/// that the runner may take in all; the time of statements that the host runs meanwhile does not count. `n_events`
/// bounds the indexes of events that the runner names. Worker thread. Throws what the sink throws, and then the call is
/// not over: the runner has to be ended.
CallResult call_runner(channel::HostEnd& end, channel::Kind kind, std::string_view message, StatementSink* sink,
                       std::size_t n_events, std::chrono::steady_clock::duration limit);

struct Description {
  std::optional<Facts> facts; ///< not judged yet
  std::string refusal;        ///< why the runner could not load the plugin
  std::optional<CallFailure> failure;
};
/// Asks a runner for the facts of its plugin, which it loads for that. Otherwise like call_runner.
Description describe_runner(channel::HostEnd& end, std::chrono::steady_clock::duration limit);

} // namespace projector::plugin
