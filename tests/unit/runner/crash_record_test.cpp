#include "runner/crash_record.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <limits>

namespace projector::runner {
namespace {

const LoadedImage kPlugin{"/run/projectord/1/revenue.so", 0x7f0000001000, 0x7f0000009000};

TEST(CrashRecord, NamesThePlaceInThePlugin) {
  EXPECT_EQ(describe_crash({SIGSEGV, SEGV_MAPERR, 0, 0x7f0000002170}, kPlugin),
            "signal 11 (SIGSEGV) at revenue.so+0x1170, address 0x0");
  EXPECT_EQ(describe_crash({SIGBUS, BUS_ADRERR, 0x10, 0x7f0000001000}, kPlugin),
            "signal 7 (SIGBUS) at revenue.so+0x0, address 0x10");
}

TEST(CrashRecord, NamesAPlaceOutsideThePlugin) {
  EXPECT_EQ(describe_crash({SIGSEGV, SEGV_MAPERR, 0x8, 0x7f0000009000}, kPlugin),
            "signal 11 (SIGSEGV) at 0x7f0000009000, outside revenue.so, address 0x8");
  EXPECT_EQ(describe_crash({SIGSEGV, SEGV_MAPERR, 0x8, 0x7f0000009000}, {}),
            "signal 11 (SIGSEGV) at 0x7f0000009000, address 0x8");
}

TEST(CrashRecord, NamesNoAddressWhereThereIsNone) {
  EXPECT_EQ(describe_crash({SIGFPE, FPE_INTDIV, 0x7f0000001010, 0x7f0000001010}, kPlugin),
            "signal 8 (SIGFPE) at revenue.so+0x10");
  EXPECT_EQ(describe_crash({SIGSEGV, SI_KERNEL, 0, 0x7f0000001010}, kPlugin), "signal 11 (SIGSEGV) at revenue.so+0x10");
}

TEST(CrashRecord, NamesNoPlaceForASignalThatWasSent) {
  EXPECT_EQ(describe_crash({SIGABRT, SI_TKILL, 0, 0x7f0000001010}, kPlugin), "signal 6 (SIGABRT)");
}

TEST(CrashRecord, MayHoldAnything) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int32_t>::min();
  EXPECT_EQ(describe_crash({12345, 1, kMost, kMost}, kPlugin),
            "signal 12345 at 0xffffffffffffffff, outside revenue.so");
  EXPECT_EQ(describe_crash({kLeast, kLeast, 0, 0}, kPlugin), "signal -2147483648");
}

} // namespace
} // namespace projector::runner
