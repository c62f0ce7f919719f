#include "runner/crash_handler.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace projector::runner {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
constexpr std::size_t kStackSize = 64UL << 10U;

// A signal handler has no argument to find it by.
PassOnCrash pass_on_crash = nullptr;
std::atomic<bool> taken = false;

std::uint64_t instruction_in(const void* context) noexcept {
#if defined(__x86_64__)
  return static_cast<std::uint64_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<const ucontext_t*>(context)->uc_mcontext.pc;
#else
  static_cast<void>(context);
  return 0;
#endif
}

/// Only for signals that the kernel raised: the others keep the sender there.
std::uint64_t address_in(const siginfo_t& info) noexcept {
  return reinterpret_cast<std::uint64_t>(info.si_signo == SIGSYS ? info.si_call_addr : info.si_addr);
}

void on_crash(int signal, siginfo_t* info, void* context) {
  if (taken.exchange(true)) {
    // Another thread crashed first, and is about to end the process.
    while (true) {
      ::pause();
    }
  }
  channel::Crash crash;
  crash.signal = signal;
  crash.code = info->si_code;
  crash.fault_address = info->si_code > 0 ? address_in(*info) : 0;
  crash.instruction = instruction_in(context);
  pass_on_crash(crash);

  struct sigaction deadly {};
  deadly.sa_handler = SIG_DFL;
  ::sigaction(signal, &deadly, nullptr);
  // The signal stays blocked until this handler returns: a core file then shows the frame that crashed, and the
  // original siginfo. A return alone would not do, since not all of these signals come from an instruction that
  // fails again.
  const pid_t process = ::getpid();
  const long thread = ::syscall(SYS_gettid);
  if (::syscall(SYS_rt_tgsigqueueinfo, process, thread, signal, info) != 0 &&
      ::syscall(SYS_tgkill, process, thread, signal) != 0) {
    ::_exit(128 + signal);
  }
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Below it lies a page that nobody may touch. It is never freed: the handler may run until the process has ended.
void give_stack_to_this_thread() {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto least = static_cast<std::size_t>(std::max(::sysconf(_SC_SIGSTKSZ), 0L));
  const std::size_t size = (std::max(kStackSize, least) + page - 1) / page * page;
  void* memory = ::mmap(nullptr, page + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    fail("cannot get memory for the crash handler's stack");
  }
  stack_t stack{};
  stack.ss_sp = static_cast<char*>(memory) + page;
  stack.ss_size = size;
  if (::mprotect(stack.ss_sp, size, PROT_READ | PROT_WRITE) != 0 || ::sigaltstack(&stack, nullptr) != 0) {
    fail("cannot set the crash handler's stack");
  }
}

} // namespace

void install_crash_handler(PassOnCrash pass_on) {
  pass_on_crash = pass_on;
  give_stack_to_this_thread();
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigfillset(&action.sa_mask);
  for (const int signal : kSignals) {
    if (::sigaction(signal, &action, nullptr) != 0) {
      fail("cannot set the crash handler");
    }
  }
}

} // namespace projector::runner
