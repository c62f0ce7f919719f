#pragma once

#include "channel/memory.hpp"
#include "channel/turn.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace projector::channel {

/// The runner's end of a channel, which begins with receive: receive, send, receive, and so on. Whatever is wrong with
/// the channel, for instance since a plugin wrote over it, is as if the host had closed it. Borrows the memory. One
/// thread.
class RunnerEnd {
public:
  explicit RunnerEnd(Memory& memory);
  RunnerEnd(const RunnerEnd&) = delete;
  RunnerEnd& operator=(const RunnerEnd&) = delete;

  struct Message {
    std::uint32_t kind = 0;
    /// Valid until the next call; begins at a multiple of 8. In the shared memory where it came in one piece.
    std::string_view bytes = {};
  };
  /// Waits for the host's message, for as long as it takes; nothing once the channel is closed. Throws std::logic_error
  /// in the runner's own turn.
  std::optional<Message> receive();
  /// Gives the host a message and the turn. False if the channel is closed. Throws std::length_error, and keeps the
  /// turn, if the host would not accept so large a message; std::logic_error if it is the host's turn, and for the kind
  /// kGoOn.
  bool send(std::uint32_t kind, std::string_view bytes);

private:
  bool wait();
  bool give(std::uint32_t kind, std::string_view piece, bool more);

  Memory& memory_;
  Turn turn_;
  bool over_ = false;
  std::string received_;
};

} // namespace projector::channel
