#include "runner/syscall_filter.hpp"

#include "runner/allowed_calls.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <memory>
#include <system_error>
#include <vector>

namespace projector::runner {
namespace {

constexpr std::uint64_t kAllBits = 0xffffffff; // of an int: the kernel ignores the upper half of its register

constexpr int kFcntlCommands[] = {F_DUPFD,      F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,     F_GETFL,     F_SETFL,
                                  F_GETLK,      F_SETLK,         F_SETLKW,    F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW,
                                  F_GETPIPE_SZ, F_SETPIPE_SZ,    F_ADD_SEALS, F_GET_SEALS};
constexpr unsigned long kIoctls[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};
constexpr unsigned long kSocketIoctls[] = {SIOCGIFINDEX, SIOCGIFNAME};
#ifndef PR_SET_VMA
constexpr int PR_SET_VMA = 0x53564d41;
#endif
constexpr int kPrctlOptions[] = {PR_SET_NAME,       PR_GET_NAME,     PR_GET_DUMPABLE,  PR_GET_NO_NEW_PRIVS,
                                 PR_GET_SECCOMP,    PR_CAPBSET_READ, PR_GET_PDEATHSIG, PR_GET_TIMERSLACK,
                                 PR_SET_TIMERSLACK, PR_SET_VMA};

/// True if those bits of argument number `index` that `mask` names are those of `value`.
scmp_arg_cmp bits(unsigned index, std::uint64_t mask, std::uint64_t value) {
  return {index, SCMP_CMP_MASKED_EQ, mask, value};
}

scmp_arg_cmp equals(unsigned index, std::uint64_t value) {
  return bits(index, kAllBits, value & kAllBits);
}

class Filter {
public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), &::seccomp_release) {
    if (!context_) {
      throw std::system_error(ENOMEM, std::generic_category(), "cannot make a filter of system calls");
    }
    // Calls of another architecture, such as int 0x80, would kill the thread.
    check(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM)));
  }

  /// Lets a call through if all of `conditions` hold; several rules of one call are alternatives. Each argument may
  /// occur in one condition only.
  void allow(const char* name, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    add(SCMP_ACT_ALLOW, name, conditions);
  }
  void allow(std::span<const char* const> names) {
    for (const char* name : names) {
      allow(name);
    }
  }
  void deny_as_unknown(const char* name) { add(SCMP_ACT_ERRNO(ENOSYS), name, {}); }

  int load() {
    errno = 0;
    const int result = ::seccomp_load(context_.get());
    // The library's own result hides what the kernel answered.
    return result == 0 ? 0 : errno != 0 ? errno : -result;
  }

private:
  void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
    // Negative: a call that this processor or this libseccomp does not have. Then the default refuses it.
    if (const int number = ::seccomp_syscall_resolve_name(name); number >= 0) {
      check(::seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(conditions.size()),
                                     conditions.begin()));
    }
  }

  static void check(int result) {
    if (result != 0) {
      throw std::system_error(-result, std::generic_category(), "cannot make a filter of system calls");
    }
  }

  std::unique_ptr<void, decltype(&::seccomp_release)> context_;
};

/// clone makes threads, and nothing else. `fork`, `vfork` and `execve` are not allowed at all.
void allow_threads(Filter& filter) {
  constexpr std::uint64_t kNamespaces =
      CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  constexpr std::uint64_t kTraced = CLONE_PTRACE | CLONE_UNTRACED;
  filter.allow("clone", {bits(0, CLONE_THREAD | kNamespaces | kTraced, CLONE_THREAD)});
}

/// Only this process is signalled, scheduled and limited by its plugin.
void allow_own_process(Filter& filter) {
  const auto self = static_cast<std::uint64_t>(::getpid());
  for (const char* name : {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"}) {
    filter.allow(name, {equals(0, self)});
  }
  for (const std::uint64_t process : {std::uint64_t{0}, self}) {
    for (const char* name : {"sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"}) {
      filter.allow(name, {equals(0, process)});
    }
    filter.allow("prlimit64", {equals(0, process), scmp_arg_cmp{2, SCMP_CMP_EQ, 0, 0}}); // reads only
  }
  for (const int option : kPrctlOptions) {
    filter.allow("prctl", {equals(0, static_cast<std::uint64_t>(option))});
  }
}

/// Without those that name a process to which the kernel then sends signals (F_SETOWN), and those that put input into
/// a terminal (TIOCSTI).
void allow_commands_on_descriptors(Filter& filter, bool sockets) {
  for (const int command : kFcntlCommands) {
    filter.allow("fcntl", {equals(1, static_cast<std::uint64_t>(command))});
  }
  for (const auto request : kIoctls) {
    filter.allow("ioctl", {equals(1, request)});
  }
  if (sockets) {
    for (const auto request : kSocketIoctls) {
      filter.allow("ioctl", {equals(1, request)});
    }
  }
  // Modes and times are set by descriptor: Landlock limits which files can be opened, but neither chmod nor utime.
  filter.allow("fchmod", {bits(1, S_ISUID | S_ISGID | S_ISVTX, 0)});
  filter.allow("utimensat", {scmp_arg_cmp{1, SCMP_CMP_EQ, 0, 0}});
}

void allow_opening(Filter& filter, const char* name, unsigned flags, bool writing) {
  filter.allow(name, {bits(flags, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)});
  if (writing) {
    // Not O_RDONLY | O_TRUNC: before its ABI 3, Landlock takes that for reading.
    filter.allow(name, {bits(flags, O_ACCMODE | O_TRUNC, O_RDONLY)});
    filter.allow(name, {bits(flags, O_ACCMODE, O_WRONLY)});
    filter.allow(name, {bits(flags, O_ACCMODE, O_RDWR)});
  }
}

void allow_files(Filter& filter, const CallPolicy& policy) {
  allow_opening(filter, "open", 1, policy.write_files);
  allow_opening(filter, "openat", 2, policy.write_files);
  if (policy.write_files) {
    filter.allow(calls_that_change_paths());
  }
  if (policy.write_files && policy.truncate_by_path) {
    filter.allow("truncate");
  }
}

/// Without raw sockets, netlink and what else a root's process could do; servers are not for plugins.
void allow_sockets(Filter& filter) {
  constexpr std::uint64_t kWithoutFlags = kAllBits & ~static_cast<std::uint64_t>(SOCK_NONBLOCK | SOCK_CLOEXEC);
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    const auto kind = static_cast<std::uint64_t>(type);
    for (const std::uint64_t family : {AF_INET, AF_INET6, AF_UNIX}) {
      filter.allow("socket", {equals(0, family), bits(1, kWithoutFlags, kind)});
    }
    filter.allow("socketpair", {equals(0, AF_UNIX), bits(1, kWithoutFlags, kind)});
  }
  filter.allow(calls_on_sockets());
}

} // namespace

int filter_calls(const CallPolicy& policy) {
  Filter filter;
  filter.allow(calls_of_every_plugin());
  allow_threads(filter);
  allow_own_process(filter);
  allow_commands_on_descriptors(filter, policy.sockets);
  allow_files(filter, policy);
  if (policy.sockets) {
    allow_sockets(filter);
  }
  for (const char* name : calls_with_an_older_way()) {
    filter.deny_as_unknown(name);
  }
  return filter.load();
}

} // namespace projector::runner
