#include "runner/crash_handler.hpp"

#include "runner/loaded_image.hpp"
#include "sandboxed.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace projector::runner::test {
namespace {

/// Kept at an address of its own, so that the record can be compared with it.
[[gnu::noinline]] void write_to(volatile int* place) {
  *place = 1;
}

[[gnu::noinline]] int descend(int depth) { // NOLINT(misc-no-recursion)
  volatile char frame[4096];
  frame[depth % 4096] = 1;
  return depth == 0 ? 0 : descend(depth - 1) + frame[0];
}

/// Deeper than the stack of any thread, 8 MiB by default.
void overflow() {
  descend(1'000'000'000);
}

/// Memory that is shared with the children that a test starts.
channel::Crash* passed_on = nullptr;
void pass_on(const channel::Crash& crash) noexcept {
  *passed_on = crash;
}

class CrashHandler : public testing::Test {
protected:
  CrashHandler()
      : record_(static_cast<channel::Crash*>(
            ::mmap(nullptr, sizeof(channel::Crash), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    passed_on = record_;
  }
  ~CrashHandler() override { ::munmap(record_, sizeof(channel::Crash)); }

  /// How a child with the crash handler ends that does `action`, and lives on where that returns.
  std::string crash(void (*action)(), bool sandboxed = false) {
    return in_child([&] {
      const rlimit no_core{};
      ::setrlimit(RLIMIT_CORE, &no_core);
      install_crash_handler(pass_on);
      if (sandboxed) {
        enter_sandbox({});
      }
      action();
      return std::string("lives");
    });
  }

  channel::Crash* record_;
};

constexpr std::uint64_t kAddress = 0x10;
void segfault() {
  write_to(reinterpret_cast<volatile int*>(kAddress));
}

TEST_F(CrashHandler, RecordsAddressAndInstruction) {
  EXPECT_EQ(crash(segfault), "crashed: signal 11 (Segmentation fault)");
  EXPECT_EQ(record_->signal, SIGSEGV);
  EXPECT_EQ(record_->code, SEGV_MAPERR);
  EXPECT_EQ(record_->fault_address, kAddress);
  const auto function = reinterpret_cast<std::uint64_t>(&write_to);
  EXPECT_GE(record_->instruction, function);
  EXPECT_LT(record_->instruction, function + 256);
}

TEST_F(CrashHandler, LeavesAPlaceThatCanBeNamed) {
  crash(segfault);
  const auto image = image_of(reinterpret_cast<const void*>(&write_to));
  Dl_info known{};
  ASSERT_TRUE(image && ::dladdr(reinterpret_cast<const void*>(&write_to), &known) != 0);
  EXPECT_EQ(image->begin, reinterpret_cast<std::uint64_t>(known.dli_fbase));
  EXPECT_GE(record_->instruction, image->begin);
  EXPECT_LT(record_->instruction, image->end);
}

TEST_F(CrashHandler, WorksInTheSandbox) {
  if (with_sanitizer()) {
    GTEST_SKIP() << "needs no sanitizer";
  }
  EXPECT_EQ(crash(segfault, true), "crashed: signal 11 (Segmentation fault)");
  EXPECT_EQ(record_->fault_address, kAddress);
  EXPECT_EQ(crash([] { std::abort(); }, true), "crashed: signal 6 (Aborted)");
  EXPECT_EQ(record_->signal, SIGABRT);
}

TEST_F(CrashHandler, SurvivesAnOverflowOfTheMainStack) {
  EXPECT_EQ(crash([] { overflow(); }), "crashed: signal 11 (Segmentation fault)");
  EXPECT_EQ(record_->signal, SIGSEGV);
  EXPECT_NE(record_->fault_address, 0U);
}

TEST_F(CrashHandler, RecordsACrashOfAnotherThread) {
  EXPECT_EQ(crash([] { std::thread(segfault).join(); }), "crashed: signal 11 (Segmentation fault)");
  EXPECT_EQ(record_->fault_address, kAddress);
}

TEST_F(CrashHandler, LeavesNothingWhenAnotherThreadsStackOverflows) {
  EXPECT_EQ(crash([] { std::thread([] { overflow(); }).join(); }), "crashed: signal 11 (Segmentation fault)");
}

TEST_F(CrashHandler, RecordsAbort) {
  EXPECT_EQ(crash([] { std::abort(); }), "crashed: signal 6 (Aborted)");
  EXPECT_EQ(record_->signal, SIGABRT);
  EXPECT_LE(record_->code, 0);
  EXPECT_EQ(record_->fault_address, 0U);
}

TEST_F(CrashHandler, KeepsEachSignalInTheExitStatus) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP}) {
    const auto answer = in_child([&] {
      const rlimit no_core{};
      ::setrlimit(RLIMIT_CORE, &no_core);
      install_crash_handler(pass_on);
      ::raise(signal);
      return std::string("lives");
    });
    EXPECT_THAT(answer, testing::StartsWith("crashed: signal " + std::to_string(signal) + " "));
    EXPECT_EQ(record_->signal, signal);
    EXPECT_EQ(record_->fault_address, 0U);
  }
}

TEST_F(CrashHandler, TwoThreadsThatCrashTogetherLeaveOneRecord) {
  const auto both = [] {
    std::thread other(segfault);
    segfault();
    other.join();
  };
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(crash(both), "crashed: signal 11 (Segmentation fault)");
    EXPECT_EQ(record_->signal, SIGSEGV);
    EXPECT_EQ(record_->fault_address, kAddress);
  }
}

} // namespace
} // namespace projector::runner::test
