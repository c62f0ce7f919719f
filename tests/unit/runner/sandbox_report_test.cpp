#include "runner/landlock.hpp"
#include "sandboxed.hpp"

#include <gmock/gmock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace projector::runner::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Makes this process's kernel look like one that refuses Landlock, seccomp, or both, with these errors; 0: it does
/// not refuse it.
void pretend(int landlock_error, int seccomp_error) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  const auto refuse = [&](int call, int error, const std::vector<scmp_arg_cmp>& conditions) {
    if (error != 0 && ::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call,
                                               static_cast<unsigned>(conditions.size()), conditions.data()) != 0) {
      throw std::runtime_error("no rule");
    }
  };
  for (const int call :
       {SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_add_rule), SCMP_SYS(landlock_restrict_self)}) {
    refuse(call, landlock_error, {});
  }
  refuse(SCMP_SYS(seccomp), seccomp_error, {});
  refuse(SCMP_SYS(prctl), seccomp_error, {{0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0}});
  if (::seccomp_load(filter) != 0) {
    throw std::runtime_error("no filter");
  }
  ::seccomp_release(filter);
}

TEST(SandboxReport, SaysWhatIsInForce) {
  if (!seccomp_works() || !landlock_works()) {
    GTEST_SKIP() << "needs seccomp, Landlock";
  }
  EXPECT_EQ(report_line({}), "sandbox: Landlock (ABI " + std::to_string(landlock_abi()) + ") and seccomp");
}

TEST(SandboxReport, SaysThatItIsOff) {
  SandboxOptions options;
  options.enabled = false;
  EXPECT_EQ(report_line(options), "no sandbox, as configured: the plugin can do what this user can do");
  const auto parent_can_be_killed = [] { return outcome(::kill(::getppid(), 0) == 0); };
  EXPECT_EQ(in_sandbox(options, parent_can_be_killed), "ok");
}

TEST(SandboxReport, SaysWhatIsOpenWithoutLandlock) {
  if (!seccomp_works()) {
    GTEST_SKIP() << "needs seccomp";
  }
  const Directories directories;
  EXPECT_EQ(report_line(directories.options(), [] { pretend(ENOSYS, 0); }),
            "sandbox: no Landlock (this kernel has none), so the plugin can read each file that this user can read, "
            "and write each that this user can write, also other processes' memory in /proc; seccomp");
  EXPECT_EQ(report_line({}, [] { pretend(EOPNOTSUPP, 0); }),
            "sandbox: no Landlock (it is off since this kernel's boot), so the plugin can read each file that this "
            "user can read; seccomp");
}

TEST(SandboxReport, SaysWhatIsOpenWithoutSeccomp) {
  if (!seccomp_works() || !landlock_works()) {
    GTEST_SKIP() << "needs seccomp, Landlock";
  }
  const auto line = report_line({}, [] { pretend(0, EPERM); });
  EXPECT_THAT(line, StartsWith("sandbox: Landlock (ABI "));
  EXPECT_THAT(line, HasSubstr("; no seccomp (a container or a service's filter forbids it), so the plugin can start "
                              "processes, signal others and open sockets"));
}

TEST(SandboxReport, SaysThatNothingIsInForce) {
  if (!seccomp_works()) {
    GTEST_SKIP() << "needs seccomp";
  }
  const auto line = report_line({}, [] { pretend(EPERM, EINVAL); });
  EXPECT_THAT(line, StartsWith("sandbox: no Landlock (a container or a service's filter forbids it), "));
  EXPECT_THAT(line, HasSubstr("; no seccomp (this kernel has none), "));
}

std::string without_landlock(const SandboxOptions& options, const std::function<std::string()>& attempt) {
  return in_child([&] {
    pretend(ENOSYS, 0);
    enter_sandbox(options);
    return attempt();
  });
}

TEST(SandboxWithoutLandlock, KeepsTheStateDirectoryWritable) {
  if (with_sanitizer() || !seccomp_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp";
  }
  const Directories in;
  EXPECT_EQ(without_landlock(in.options(), [&] { return open_file(in.state("new"), O_CREAT | O_RDWR); }), "ok");
  EXPECT_EQ(without_landlock(in.options(), [&] { return outcome(::truncate(in.state("old").c_str(), 0) == 0); }), "ok");
  EXPECT_EQ(without_landlock(in.options(), [&] { return outcome(::kill(::getppid(), 0) == 0); }), "EPERM");
}

TEST(SandboxWithoutLandlock, RefusesAllWritingIfThereIsNothingToWrite) {
  if (with_sanitizer() || !seccomp_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp";
  }
  const Directories in;
  for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC, O_ACCMODE}) {
    EXPECT_EQ(without_landlock({}, [&] { return open_file(in.state("old"), flags); }), "EPERM") << flags;
  }
  EXPECT_EQ(without_landlock({}, [&] { return open_file(in.state("old"), O_RDONLY); }), "ok");
  EXPECT_EQ(without_landlock({}, [&] { return outcome(::unlink(in.state("old").c_str()) == 0); }), "EPERM");
  EXPECT_EQ(without_landlock({}, [&] { return outcome(::truncate(in.state("old").c_str(), 0) == 0); }), "EPERM");
  EXPECT_EQ(without_landlock({}, [&] { return open_file("/proc/" + std::to_string(::getppid()) + "/mem", O_RDWR); }),
            "EPERM");
}

} // namespace
} // namespace projector::runner::test
