#pragma once

#include <memory>
#include <string>

namespace projector::base {

/// Sets up spdlog's default logger: one line a message on stderr, written before the call returns. `level` is trace,
/// debug, info, warn, error or off.
void set_up_log(const std::string& level);

class LineWriter;

/// spdlog's default logger for a program that has to go on whoever reads its log: as set_up_log, but a thread of its
/// own writes, and what nobody reads is dropped and counted beyond 1 MiB. An error waits for its line to be written,
/// for 50 ms at most, so that a crash right after it does not lose it. What ends the process by std::terminate is
/// logged. Made once, by main.
class LogThread {
public:
  /// `fd` is left open.
  explicit LogThread(const std::string& level, int fd = 2);
  ~LogThread(); ///< writes what is left, for a second at most; what is logged later is lost
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;

private:
  std::unique_ptr<LineWriter> writer_;
};

} // namespace projector::base
