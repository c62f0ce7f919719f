#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace projector::channel {

/// Host and runner have to be of one build. The number rises with every change to what lies in the shared memory or to
/// the encoding of a message.
inline constexpr std::string_view kBuildId = PROJECTOR_VERSION ", layout 2";
inline constexpr std::size_t kBuildIdSize = 64;
/// The exit code of a runner that could not do what it was started with.
inline constexpr int kCouldNotStart = 125;
inline constexpr std::size_t kRemarkSize = 400;
static_assert(kBuildId.size() < kBuildIdSize);

/// The kind of a bare turn, with which the receiver of a piece asks for the next one. No message has it.
inline constexpr std::uint32_t kGoOn = 0;

/// Describes what lies in the area of one side.
struct Slot {
  std::atomic<std::uint32_t> kind;
  std::atomic<std::uint32_t> length; ///< bytes in the area
  std::atomic<std::uint32_t>
      more; ///< 1: a piece that others follow; it fills the area. 0: the whole, or the last piece
};

/// What the signal handler of a runner leaves behind.
struct CrashRecord {
  std::atomic<std::uint32_t> state; ///< 0: empty, 1: being written, 2: complete
  std::atomic<std::int32_t> signal;
  std::atomic<std::int32_t> code;
  std::atomic<std::uint64_t> fault_address;
  std::atomic<std::uint64_t> instruction;
  std::atomic<std::uint64_t> plugin_offset;
};

/// The first page of the shared memory; the host-to-runner area and the runner-to-host area follow. The runner can
/// write all of it at any time, so the host reads each field once, into a local, and checks that. It never reads back
/// what it has written here.
struct Header {
  char host_build[kBuildIdSize]; ///< stays in this place in every layout, so that the runner of another build reads it
  char runner_build[kBuildIdSize];
  std::uint32_t first_turn;     ///< this and the three below are set once, by the host
  std::uint32_t to_runner_size; ///< of an area, in bytes
  std::uint32_t to_host_size;
  std::uint64_t most_accepted;
  /// See Turn. The slots share its cache line, since they are read just after it.
  alignas(64) std::atomic<std::uint32_t> turn;
  Slot to_runner;
  Slot to_host;
  alignas(64) std::atomic<std::uint32_t> stopping;
  alignas(64) std::uint32_t current; ///< a plain integer, since plugins write it; both sides use it by std::atomic_ref
  std::atomic<std::uint32_t> finishing; ///< 1: the plugin is told how the batch before ended, and has begun no event
  alignas(64) std::atomic<std::uint64_t> dropped_log_lines;
  CrashRecord crash;
  char remark[kRemarkSize];
};

inline constexpr std::size_t kHeaderSize = 4096;
static_assert(sizeof(Header) <= kHeaderSize);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

} // namespace projector::channel
