#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace projector::test {

/// A process that a host has started for a plugin instance, or one that such a process has forked.
struct RunnerProcessSeen {
  pid_t pid = 0;
  std::string title; ///< as ps shows it: "projectord: revenue 3/4"
  friend auto operator<=>(const RunnerProcessSeen&, const RunnerProcessSeen&) = default;
};

/// Those that the host of this process id has started and that still run, also after the host has ended; ordered by
/// process id. One that has ended and whose status nobody has taken yet is left out.
std::vector<RunnerProcessSeen> runners_of(pid_t host);

} // namespace projector::test
