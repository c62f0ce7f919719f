#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace projector::plugin {

/// What a process uses at the moment.
struct Usage {
  base::Duration cpu = {};                         ///< in steps of a clock tick, 10 ms
  std::optional<std::uint64_t> private_bytes = {}; ///< memory that no other process has mapped
  std::optional<std::uint64_t> pss_bytes = {};     ///< each page divided by the number of processes that have mapped it
};

/// Reads it from /proc. Nothing if there is no such process; no memory if this process may not read that, or if the
/// other one has ended and waits to be reaped. Takes some 0.1 ms, more for a process with much memory.
std::optional<Usage> read_usage(pid_t pid);

} // namespace projector::plugin
