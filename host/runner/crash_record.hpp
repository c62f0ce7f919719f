#pragma once

#include "runner/loaded_image.hpp"

#include <cstdint>
#include <string>
#include <type_traits>

namespace projector::runner {

/// How a runner crashed. It lies in memory that the runner shares with the host; all zero until a crash. `signal` is
/// written last, so the rest is valid once it is not 0.
struct CrashRecord {
  std::int32_t signal;
  std::int32_t code;         ///< si_code; 0 or less: sent by a process, also by abort() and raise()
  std::uint64_t address;     ///< what the instruction accessed; 0 if that is unknown
  std::uint64_t instruction; ///< where the thread was; 0 on a processor other than x86-64 and arm64
};
static_assert(sizeof(CrashRecord) == 24 && std::is_trivially_copyable_v<CrashRecord>);

/// "signal 11 (SIGSEGV) at revenue.so+0x1170, address 0x0", or "signal 6 (SIGABRT)" for a signal that was sent. If the
/// instruction is not the plugin's: "signal 11 (SIGSEGV) at 0x7f31c0de, outside revenue.so, address 0x0". An image
/// without a path is one that was not loaded yet. No number in the record can make this fail.
std::string describe_crash(const CrashRecord& record, const LoadedImage& plugin);

/// "signal 11 (SIGSEGV)"; for a runner whose record is empty, after an exit status.
std::string describe_signal(int signal);

} // namespace projector::runner
