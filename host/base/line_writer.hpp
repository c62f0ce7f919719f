#pragma once

#include "base/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace projector::base {

/// Writes lines to a descriptor from a thread of its own, so that a reader who is slow, or reads nothing at all, keeps
/// nobody else waiting. What waits is bounded: the oldest lines are dropped, and their number is written in their place
/// once there is room. push and flush from any thread.
class LineWriter {
public:
  struct Options {
    int fd = -1;                                             ///< stays open for longer than the process lives
    std::size_t most_bytes = 1u << 20;                       ///< of lines that wait
    base::Duration last = std::chrono::seconds(1);           ///< how long the destructor writes for
    std::function<std::string(std::uint64_t count)> dropped; ///< the line that tells of them; on the thread
  };
  explicit LineWriter(Options options);
  ~LineWriter(); ///< what is written by then is all; a thread that is held up by the reader is left behind
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// `line` ends with a newline. Never waits for the reader.
  void push(std::string line);
  /// Waits until all that was pushed before is written or dropped; false at once where the reader holds the thread up,
  /// and after `limit`.
  bool flush(base::Duration limit);

private:
  struct Shared;
  static void run(Shared& shared);
  std::shared_ptr<Shared> shared_; ///< the thread's too, which may outlive this
  std::thread thread_;
};

} // namespace projector::base
