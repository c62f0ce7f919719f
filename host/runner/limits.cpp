#include "runner/limits.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <system_error>

namespace projector::runner {

void die_with(pid_t parent) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A parent that had ended before that call sends no signal any more.
  if (::getppid() != parent) {
    ::_exit(EXIT_FAILURE);
  }
}

void apply_limits(const Limits& limits) {
  if (limits.memory_max != 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_DATA, &limit);
    // The hard limit as well, so that a plugin cannot raise it again.
    limit.rlim_max = std::min<rlim_t>(limit.rlim_max, limits.memory_max);
    limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
    if (::setrlimit(RLIMIT_DATA, &limit) != 0) {
      throw std::system_error(errno, std::generic_category(), "cannot limit the memory of a plugin's process");
    }
  }
  if (limits.nice && ::setpriority(PRIO_PROCESS, 0, *limits.nice) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot set the nice value of a plugin's process to " + std::to_string(*limits.nice));
  }
}

} // namespace projector::runner
