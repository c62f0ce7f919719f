#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace projector::plugin {

struct Command {
  std::string program;                  ///< path; no PATH is searched
  std::vector<std::string> words;       ///< the first one is the title, argv[0]
  std::vector<std::string> environment; ///< "NAME=value", and nothing else
};

struct Spawned {
  pid_t pid = -1; ///< of a child of the calling thread, which somebody has to reap
  base::UniqueFd pidfd;
};

/// Starts a program in a process group of its own, with default signals. Its descriptors are /dev/null as 0, and
/// descriptors[i] as i + 1; it inherits no other one. The descriptors stay the caller's. What this costs does not
/// depend on the size of this process. Throws std::system_error whose text names the program, also if it cannot be
/// executed.
Spawned spawn(const Command& command, const std::vector<int>& descriptors);

/// What a runner may know of this process's environment (an `environ`): TZ, LANG and LC_*. No secret is in it.
std::vector<std::string> runner_environment(const char* const* environment);

} // namespace projector::plugin
