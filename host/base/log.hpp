#pragma once

#include <memory>
#include <string>

namespace projector::base {

/// Sets up spdlog's default logger: one line a message on stderr, written before the call returns. `level` is trace,
/// debug, info, warn, error or off.
void set_up_log(const std::string& level);

class LineWriter;

/// spdlog's default logger for a program that must not block on whoever reads its log: like set_up_log, but a thread of
/// its own writes, and unread lines beyond 1 MiB are dropped and counted. Logging an error waits for at most 50 ms
/// until its line is written, so that a crash right after it does not lose it. The cause of a std::terminate is logged.
/// Made once, by main.
class LogThread {
public:
  /// `fd` is left open.
  explicit LogThread(const std::string& level, int fd = 2);
  ~LogThread(); ///< writes queued lines for at most a second; later messages are lost
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;

private:
  std::unique_ptr<LineWriter> writer_;
};

} // namespace projector::base
