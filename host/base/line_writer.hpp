#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace projector::base {

/// Writes lines to a descriptor from a thread of its own, so that a reader that is slow or stopped blocks no other
/// thread. The queue is bounded: the oldest lines are dropped, and their number is written in their place once there is
/// room. push and flush may be called from any thread.
class LineWriter {
public:
  struct Options {
    int fd = -1;                                   ///< stays open for longer than the process lives
    std::size_t most_bytes = 1u << 20;             ///< of queued lines
    base::Duration last = std::chrono::seconds(1); ///< how long the destructor goes on writing
    std::function<std::string(std::uint64_t count)>
        dropped; ///< makes the line that reports dropped ones; called on the thread
  };
  explicit LineWriter(Options options);
  ~LineWriter(); ///< lines that are not written within `last` are lost; a blocked thread is left behind
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// `line` ends with a newline. Never blocks on the reader.
  void push(std::string line);
  /// Waits until all lines pushed before are written or dropped. False after `limit`, or at once if the reader blocks
  /// the thread.
  bool flush(base::Duration limit);

private:
  struct Shared;
  static void run(Shared& shared);
  std::shared_ptr<Shared> shared_; ///< shared with the thread, which may outlive this object
  std::thread thread_;
};

} // namespace projector::base
