#pragma once

#include "channel/layout.hpp"

#include <cstdint>

namespace projector::channel {

/// The messages between the host and a runner. The host begins with a call; the runner may send requests, each of which
/// the host answers; with the call's end the host has the turn again.
enum class Kind : std::uint32_t {
  GoOn = kGoOn, ///< see kGoOn

  // Calls of the host
  Describe = 1, ///< no bytes; ends with Facts, or with End if the plugin cannot be loaded
  Create,       ///< see calls.hpp; this and those below end with End
  Setup,        ///< no bytes
  Handle,
  Reset,
  Finished, ///< alone, if no other call that could tell it follows soon
  Destroy,

  // Requests of the runner, and ends of calls
  Statements = 16, ///< queued statements; answered with Verdict. See statements.hpp
  Query, ///< queued statements and one whose rows are wanted; answered with Rows, or with Verdict if one fails
  End,   ///< the rest of the queued statements, and the verdict of the plugin
  Facts, ///< see facts.hpp

  // Answers of the host
  Verdict = 32, ///< see verdict.hpp
  Rows,         ///< see rows.hpp
};

/// A kind as it travels; any number may come back.
constexpr std::uint32_t number_of(Kind kind) {
  return static_cast<std::uint32_t>(kind);
}

} // namespace projector::channel
