#include "runner/allowed_calls.hpp"

namespace projector::runner {
namespace {

constexpr const char* kOfEveryPlugin[] = {
    // memory
    "brk", "madvise", "map_shadow_stack", "membarrier", "mincore", "mlock", "mlock2", "mmap", "mprotect", "mremap",
    "msync", "munlock", "munmap",
    // threads and the process itself
    "arch_prctl", "capget", "exit", "exit_group", "futex", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake",
    "get_robust_list", "get_thread_area", "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp",
    "getpid", "getppid", "getpriority", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid",
    "getuid", "restart_syscall", "rseq", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_yield", "set_robust_list",
    "set_tid_address", "sysinfo", "times", "umask", "uname", "wait4", "waitid",
    // randomness and time
    "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "getrandom", "gettimeofday", "nanosleep",
    "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // signals
    "alarm", "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "signalfd", "signalfd4",
    // waiting
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
    "poll", "ppoll", "pselect6", "select",
    // what is known by descriptor
    "close", "close_range", "copy_file_range", "dup", "dup2", "dup3", "fadvise64", "fallocate", "fdatasync", "flock",
    "fstat", "fstatfs", "fsync", "ftruncate", "getdents", "getdents64", "lseek", "pipe", "pipe2", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readv", "sendfile", "splice", "sync_file_range",
    "tee", "write", "writev",
    // looking at paths
    "access", "chdir", "faccessat", "faccessat2", "fchdir", "getcwd", "lstat", "newfstatat", "readlink", "readlinkat",
    "stat", "statfs", "statx"};

constexpr const char* kThatChangePaths[] = {"creat",     "link",     "linkat",    "mkdir", "mkdirat",
                                            "rename",    "renameat", "renameat2", "rmdir", "symlink",
                                            "symlinkat", "unlink",   "unlinkat"};

constexpr const char* kOnSockets[] = {"bind",     "connect",    "getpeername", "getsockname", "getsockopt",
                                      "recvfrom", "recvmmsg",   "recvmsg",     "sendmmsg",    "sendmsg",
                                      "sendto",   "setsockopt", "shutdown"};

constexpr const char* kWithAnOlderWay[] = {"clone3", "fchmodat2", "openat2"};

} // namespace

std::span<const char* const> calls_of_every_plugin() noexcept {
  return kOfEveryPlugin;
}
std::span<const char* const> calls_that_change_paths() noexcept {
  return kThatChangePaths;
}
std::span<const char* const> calls_on_sockets() noexcept {
  return kOnSockets;
}
std::span<const char* const> calls_with_an_older_way() noexcept {
  return kWithAnOlderWay;
}

} // namespace projector::runner
