#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace projector::runner {

/// Makes the kernel kill this process (SIGKILL) as soon as the thread that started it ends, and ends it at once if
/// `parent` is gone already. The first call of a runner's main.
void die_with(pid_t parent) noexcept;

/// What one runner may use. The size of core files stays as inherited.
struct Limits {
  std::uint64_t memory_max = 0; ///< bytes of private memory: heap, stacks (each thread's whole one); 0: as inherited
  std::optional<int> nice;      ///< -20 to 19, absolute; absent: as inherited
};

/// Above `memory_max`, malloc returns null and `new` throws; shared mappings do not count. Call it before the process
/// has a second thread, since `nice` belongs to a thread and is inherited from the one that starts it. Throws
/// std::system_error, e.g. if `nice` is below that of the host and the user may not lower it.
void apply_limits(const Limits& limits);

} // namespace projector::runner
