#include "plugin/crash_text.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <limits>

namespace projector::plugin {
namespace {

constexpr std::uint64_t kOutside = channel::Crash::kOutside;

TEST(CrashText, NamesThePlaceInThePlugin) {
  EXPECT_EQ(crash_text({SIGSEGV, SEGV_MAPERR, 0, 0x7f0000002170, 0x1170}, "revenue"),
            " at revenue.so+0x1170, address 0x0");
  EXPECT_EQ(crash_text({SIGBUS, BUS_ADRERR, 0x10, 0x7f0000001000, 0}, "revenue"), " at revenue.so+0x0, address 0x10");
}

TEST(CrashText, NamesAPlaceOutsideThePlugin) {
  EXPECT_EQ(crash_text({SIGSEGV, SEGV_MAPERR, 0x8, 0x7f0000009000, kOutside}, "revenue"),
            " at 0x7f0000009000, outside revenue.so, address 0x8");
}

TEST(CrashText, NamesNoAddressWhereThereIsNone) {
  EXPECT_EQ(crash_text({SIGFPE, FPE_INTDIV, 0x7f0000001010, 0x7f0000001010, 0x10}, "revenue"), " at revenue.so+0x10");
  EXPECT_EQ(crash_text({SIGSEGV, SI_KERNEL, 0, 0x7f0000001010, 0x10}, "revenue"), " at revenue.so+0x10");
}

TEST(CrashText, NamesNoPlaceOfASignalThatWasSent) {
  EXPECT_EQ(crash_text({SIGABRT, SI_TKILL, 0, 0x7f0000001010, 0x10}, "revenue"), "");
}

TEST(CrashText, TakesAnyNumbers) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(crash_text({12345, 1, kMost, kMost, kMost - 1}, "revenue"), " at revenue.so+0xfffffffffffffffe");
  constexpr auto kLeast = std::numeric_limits<std::int32_t>::min();
  EXPECT_EQ(crash_text({kLeast, kLeast, 0, 0, 0}, "revenue"), "");
}

} // namespace
} // namespace projector::plugin
