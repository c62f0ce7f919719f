#include "base/memory_protection.hpp"

#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace projector::base {

bool protect_memory_from_plugins() noexcept {
  const bool landlock = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
  return !landlock && ::prctl(PR_SET_DUMPABLE, 0) == 0;
}

} // namespace projector::base
