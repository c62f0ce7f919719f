#pragma once

#include "base/unique_fd.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace projector::channel {

/// The most bytes of one line's text; the sender cuts what is longer.
inline constexpr std::size_t kLongestLogLine = 8192;

/// Sends log lines to the host, beside the turns of the channel. It never waits: a line that finds no room is dropped
/// and counted. Owned by the runner; send on any thread.
class LogSender {
public:
  /// Takes over one end of a SOCK_SEQPACKET socket pair, in a process that ignores SIGPIPE. Lines that were dropped are
  /// added to `dropped`, which the host can read in the shared memory; borrowed.
  LogSender(base::UniqueFd socket, std::atomic<std::uint64_t>& dropped);

  /// `level` is one of PROJECTOR_LOG_*. Changes no errno; throws nothing.
  void send(std::int32_t level, std::string_view text) noexcept;

private:
  const base::UniqueFd socket_;
  std::atomic<std::uint64_t>& dropped_;
};

} // namespace projector::channel
