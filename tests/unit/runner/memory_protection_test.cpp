#include "base/memory_protection.hpp"

#include "sandboxed.hpp"

#include <seccomp.h>
#include <sys/prctl.h>

#include <cerrno>

namespace projector::runner::test {
namespace {

std::string dumpable_after_protection() {
  const bool protect = base::protect_memory_from_plugins();
  return std::string(protect ? "protected" : "as before") + ", dumpable " + std::to_string(::prctl(PR_GET_DUMPABLE));
}

TEST(MemoryProtection, IsLeftToLandlockWhereThatWorks) {
  if (!landlock_works()) {
    GTEST_SKIP() << "needs Landlock";
  }
  EXPECT_EQ(in_child(dumpable_after_protection), "as before, dumpable 1");
}

TEST(MemoryProtection, IsTheKernelsWhereAContainerForbidsLandlock) {
  const auto without_landlock = [] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
    ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(landlock_create_ruleset), 0);
    return ::seccomp_load(filter) == 0 ? dumpable_after_protection() : std::string("no filter");
  };
  EXPECT_EQ(in_child(without_landlock), "protected, dumpable 0");
}

} // namespace
} // namespace projector::runner::test
