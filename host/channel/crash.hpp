#pragma once

#include <cstdint>

namespace projector::channel {

/// How a runner crashed, in the words of its own signal handler. The host treats it as a claim: it is good for a
/// message and for nothing else.
struct Crash {
  static constexpr std::uint64_t kOutside = UINT64_MAX;

  std::int32_t signal = 0;
  std::uint64_t fault_address = 0;
  std::uint64_t instruction = 0;
  std::uint64_t plugin_offset = kOutside; ///< of the instruction from where the plugin is loaded; kOutside: not in it

  friend bool operator==(const Crash&, const Crash&) = default;
};

} // namespace projector::channel
