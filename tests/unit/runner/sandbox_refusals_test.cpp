#include "sandboxed.hpp"

#include <linux/keyctl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace projector::runner::test {
namespace {

template <class... Arguments>
bool call(long number, Arguments... arguments) {
  return ::syscall(number, arguments...) >= 0;
}

/// Ends the child in which a refused fork should not have resulted.
bool not_a_child(pid_t process) {
  if (process == 0) {
    ::_exit(0);
  }
  return process > 0;
}

bool spawn() {
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  pid_t child = 0;
  errno = ::posix_spawn(&child, program, nullptr, nullptr, arguments, nullptr);
  return errno == 0;
}

bool execute(bool by_descriptor) {
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  char* environment[] = {nullptr};
  return by_descriptor ? call(SYS_execveat, AT_FDCWD, program, arguments, environment, 0)
                       : ::execve(program, arguments, environment) == 0;
}

bool other_memory(long number) {
  char byte = 0;
  iovec here{&byte, 1};
  return call(number, ::getppid(), &here, 1UL, &here, 1UL, 0UL);
}

bool become_owner_of_input(pid_t process) {
  int ends[2];
  return ::pipe(ends) == 0 && ::fcntl(ends[0], F_SETOWN, process) == 0;
}

bool share_memory() {
  const int memory = ::shmget(IPC_PRIVATE, 1, 0600);
  return memory >= 0 && ::shmctl(memory, IPC_RMID, nullptr) == 0; // else it outlives this process
}

struct Refusal {
  const char* name;
  const char* error;
  bool (*attempt)(); ///< harmless if it is not refused, and leaves errno
};

constexpr Refusal kRefusals[] = {
    {"fork", "EPERM", [] { return not_a_child(::fork()); }},
    {"vfork", "EPERM", [] { return not_a_child(::vfork()); }},
    {"clone", "EPERM",
     [] { return not_a_child(static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0UL))); }},
    {"clone3", "ENOSYS",
     [] {
       clone_args arguments{};
       arguments.exit_signal = SIGCHLD;
       return not_a_child(static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof(arguments))));
     }},
    {"clone_of_a_thread_into_a_namespace", "EPERM",
     [] { return call(SYS_clone, CLONE_THREAD | CLONE_NEWNET, nullptr, nullptr, nullptr, 0UL); }},
    {"posix_spawn", "EPERM", spawn},
    {"system", "EPERM", [] { return std::system("true") == 0; }},
    {"popen", "ENOMEM", [] { return ::popen("true", "r") != nullptr; }}, // glibc's word for it
    {"execve", "EPERM", [] { return execute(false); }},
    {"execveat", "EPERM", [] { return execute(true); }},
    {"ptrace_attach", "EPERM", [] { return ::ptrace(PTRACE_SEIZE, ::getppid(), nullptr, nullptr) == 0; }},
    {"ptrace_traceme", "EPERM", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0; }},
    {"process_vm_readv", "EPERM", [] { return other_memory(SYS_process_vm_readv); }},
    {"process_vm_writev", "EPERM", [] { return other_memory(SYS_process_vm_writev); }},
    {"pidfd_open", "EPERM", [] { return call(SYS_pidfd_open, ::getppid(), 0U); }},
    {"pidfd_getfd", "EPERM", [] { return call(SYS_pidfd_getfd, 0, 0, 0U); }},
    {"pidfd_send_signal", "EPERM", [] { return call(SYS_pidfd_send_signal, 0, 0, nullptr, 0U); }},
    {"kill_parent", "EPERM", [] { return ::kill(::getppid(), 0) == 0; }},
    {"kill_group", "EPERM", [] { return ::kill(0, 0) == 0; }},
    {"kill_all", "EPERM", [] { return ::kill(-1, 0) == 0; }},
    {"tgkill_parent", "EPERM", [] { return call(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
    {"tkill", "EPERM", [] { return call(SYS_tkill, ::getppid(), 0); }},
    {"sigqueue_parent", "EPERM", [] { return ::sigqueue(::getppid(), 0, {}) == 0; }},
    {"signals_by_f_setown", "EPERM", [] { return become_owner_of_input(::getppid()); }},
    {"input_by_tiocsti", "EPERM", [] { return ::ioctl(0, TIOCSTI, "x") == 0; }},
    {"input_by_tiocsti_with_upper_bits", "EPERM", [] { return call(SYS_ioctl, 0, (1UL << 32U) | TIOCSTI, "x"); }},
    {"mount", "EPERM", [] { return ::mount("none", "/nowhere", "tmpfs", 0, nullptr) == 0; }},
    {"umount", "EPERM", [] { return ::umount2("/nowhere", 0) == 0; }},
    {"unshare", "EPERM", [] { return ::unshare(CLONE_NEWNS) == 0; }},
    {"unshare_user", "EPERM", [] { return ::unshare(CLONE_NEWUSER) == 0; }},
    {"setns", "EPERM", [] { return ::setns(0, 0) == 0; }},
    {"chroot", "EPERM", [] { return ::chroot("/") == 0; }},
    {"pivot_root", "EPERM", [] { return call(SYS_pivot_root, "/nowhere", "/nowhere"); }},
    {"bpf", "EPERM", [] { return call(SYS_bpf, 0, nullptr, 0U); }},
    {"perf_event_open", "EPERM", [] { return call(SYS_perf_event_open, nullptr, 0, -1, -1, 0UL); }},
    {"keyctl", "EPERM", [] { return call(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0); }},
    {"add_key", "EPERM", [] { return call(SYS_add_key, "user", "name", "x", 1UL, KEY_SPEC_PROCESS_KEYRING); }},
    {"io_uring", "EPERM", [] { return call(SYS_io_uring_setup, 1U, nullptr); }},
    {"userfaultfd", "EPERM", [] { return call(SYS_userfaultfd, 0); }},
    {"init_module", "EPERM", [] { return call(SYS_init_module, nullptr, 0UL, ""); }},
    {"personality", "EPERM", [] { return call(SYS_personality, 0xffffffffUL); }},
    {"socket_inet", "EPERM", [] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }},
    {"socket_inet6", "EPERM", [] { return ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0; }},
    {"socket_unix", "EPERM", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }},
    {"socket_netlink", "EPERM", [] { return ::socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }},
    {"setpriority", "EPERM", [] { return ::setpriority(PRIO_PROCESS, 0, 0) == 0; }},
    {"setrlimit", "EPERM",
     [] {
       rlimit limit{};
       return ::getrlimit(RLIMIT_DATA, &limit) == 0 && ::setrlimit(RLIMIT_DATA, &limit) == 0;
     }},
    {"prlimit_of_parent", "EPERM",
     [] {
       rlimit limit{};
       return ::prlimit(::getppid(), RLIMIT_DATA, nullptr, &limit) == 0;
     }},
    {"sched_setaffinity_of_parent", "EPERM",
     [] {
       cpu_set_t processors;
       return ::sched_getaffinity(::getppid(), sizeof(processors), &processors) == 0 &&
              ::sched_setaffinity(::getppid(), sizeof(processors), &processors) == 0;
     }},
    {"prctl_pdeathsig", "EPERM", [] { return ::prctl(PR_SET_PDEATHSIG, 0) == 0; }},
    {"prctl_ptracer", "EPERM", [] { return ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0) == 0; }},
    {"setpgid", "EPERM", [] { return ::setpgid(0, 0) == 0; }},
    {"setuid", "EPERM", [] { return ::setuid(::getuid()) == 0; }},
    {"shmget", "EPERM", share_memory},
    {"memfd_create", "EPERM", [] { return ::memfd_create("name", 0) >= 0; }},
    {"inotify", "EPERM", [] { return ::inotify_init1(0) >= 0; }},
    {"mknod", "EPERM", [] { return ::mknod("/nowhere/node", S_IFIFO | 0600, 0) == 0; }},
    {"chmod", "EPERM", [] { return ::chmod("/nowhere", 0777) == 0; }},
    {"chown", "EPERM", [] { return ::chown("/nowhere", 0, 0) == 0; }},
    {"fchmod_setuid", "EPERM", [] { return ::fchmod(-1, 04755) == 0; }},
    {"openat2", "ENOSYS", [] { return call(SYS_openat2, AT_FDCWD, "/", nullptr, 0UL); }},
    {"truncation_by_an_open_for_reading", "EPERM", [] { return ::open("/nowhere", O_RDONLY | O_TRUNC) >= 0; }},
#ifdef __x86_64__
    {"a_call_of_the_x32_abi", "EPERM", [] { return call(0x40000000L + SYS_getpid); }},
#endif
};

class SandboxRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(SandboxRefuses, ACall) {
  if (with_sanitizer() || !seccomp_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp";
  }
  const auto attempt = [] { return outcome(GetParam().attempt()); };
  EXPECT_EQ(in_sandbox({}, attempt), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(Each, SandboxRefuses, testing::ValuesIn(kRefusals),
                         [](const auto& test) { return std::string(test.param.name); });

} // namespace
} // namespace projector::runner::test
