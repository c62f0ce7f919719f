#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <sys/types.h>

namespace projector::plugin {

/// What a process uses at the moment.
struct Usage {
  base::Duration cpu = {};                         ///< in steps of a clock tick, 10 ms
  std::optional<std::uint64_t> private_bytes = {}; ///< heap, stacks and changed data: memory that is no file's
};

/// Reads it from /proc. Nothing if there is no such process; no memory if it has ended and waits to be reaped. Takes
/// some 30 us, whatever the size of the process.
std::optional<Usage> read_usage(pid_t pid);

} // namespace projector::plugin
