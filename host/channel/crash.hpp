#pragma once

#include <cstdint>

namespace projector::channel {

/// How a runner crashed, in the words of its own signal handler. The host treats it as a claim: it is good for a
/// message and for nothing else.
struct Crash {
  static constexpr std::uint64_t kOutside = UINT64_MAX;

  std::int32_t signal = 0;
  std::int32_t code = 0;                  ///< si_code; 0 or less: sent by a process, also by abort() and raise()
  std::uint64_t fault_address = 0;        ///< what the instruction accessed; 0 if that is unknown
  std::uint64_t instruction = 0;          ///< where the thread was; 0 on a processor other than x86-64 and arm64
  std::uint64_t plugin_offset = kOutside; ///< of the instruction from where the plugin is loaded; kOutside: not in it

  friend bool operator==(const Crash&, const Crash&) = default;
};

} // namespace projector::channel
