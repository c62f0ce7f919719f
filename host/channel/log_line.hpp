#pragma once

#include <cstdint>
#include <string>

namespace projector::channel {

/// One log line of a runner.
struct LogLine {
  enum class Status {
    Line,
    Nothing,   ///< for now
    Malformed, ///< a packet that is no line was taken, and forgotten
    Ended      ///< nothing more will come: the runner is gone, has closed its end, or sent an empty packet
  };
  Status status = Status::Nothing;
  std::int32_t level = 0; ///< one of PROJECTOR_LOG_*
  std::string text = {};  ///< any bytes, at most kLongestLogLine
};

/// Takes one packet from the host's end of a LogSender's socket pair, without waiting. Descriptors that a runner might
/// send along are not taken over.
LogLine receive_log_line(int socket);

} // namespace projector::channel
