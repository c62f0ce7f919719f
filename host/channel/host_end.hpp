#pragma once

#include "channel/memory.hpp"
#include "channel/turn.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace projector::channel {

/// The host's end of a channel, which has the first turn: send, receive, send, and so on. It takes nothing from the
/// runner on trust: whatever the runner writes, and whenever, the worst that comes of it here is a protocol error.
/// Borrows the memory. One thread, that of the worker, but for close().
class HostEnd {
public:
  /// A wait looks at the memory by itself every `recheck`, whatever the runner does with the word on which it sleeps.
  explicit HostEnd(Memory& memory, std::chrono::milliseconds recheck = std::chrono::seconds(1));
  HostEnd(const HostEnd&) = delete;
  HostEnd& operator=(const HostEnd&) = delete;

  enum class Status {
    Message,
    TimeUp,       ///< of receive: the runner still has the turn, and receive may be called again
    Closed,       ///< close() was called
    ProtocolError ///< the runner broke the rules; for good
  };
  struct Received {
    Status status = Status::Message;
    std::uint32_t kind = 0;
    std::string_view bytes = {}; ///< a copy, which no runner can reach; valid until the next call
    std::string problem = {};    ///< with ProtocolError: what was found and what was expected
  };

  /// Gives the runner a message of any size and the turn: Message means that it has both. A large message takes several
  /// turns, and if those do not come until the deadline, the channel is of no more use: TimeUp for good. Throws
  /// std::logic_error if it is the runner's turn, and for the kind kGoOn.
  Received send(std::uint32_t kind, std::string_view bytes, TimePoint deadline);
  /// Waits for the runner's message. Throws std::logic_error if it is not the runner's turn.
  Received receive(TimePoint deadline);

  /// No wait goes on after this time, whatever its deadline; noticed within `recheck`. Any thread.
  void end_waits_at(TimePoint latest) noexcept { latest_ = latest; }

  /// To be called when the runner has died, or nobody wants to wait for it any more: wakes the waiting thread. A
  /// message that has arrived whole before is still received; all else ends with Closed. Any thread, as long as the end
  /// and the memory exist.
  void close() noexcept;

private:
  struct Piece {
    std::uint32_t kind;
    std::uint32_t length;
    bool more;
  };
  Received wait(TimePoint deadline);
  Received pass();
  Received end(Status status, std::string problem = {});
  Received broken(Turn::Found found);
  Received give(std::uint32_t kind, std::string_view piece, bool more);
  Received read_slot(Piece& piece);
  Received check_build();
  Received take(Piece& piece);
  void start_message();

  Memory& memory_;
  const std::chrono::milliseconds recheck_;
  Turn turn_;
  std::atomic<TimePoint> latest_ = TimePoint::max();
  std::atomic<bool> closed_ = false;
  bool build_checked_ = false;
  bool over_ = false;
  Received last_;              ///< what ended the channel, if it is over
  std::uint32_t kind_ = kGoOn; ///< of the message whose pieces come in; kGoOn: none
  std::string received_;
};

} // namespace projector::channel
