#include "channel/log_line.hpp"

#include "channel/log_sender.hpp"

#include <projector/plugin.h>

#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <cstring>

namespace projector::channel {

LogLine receive_log_line(int socket) {
  LogLine line;
  char packet[sizeof line.level + kLongestLogLine];
  ssize_t size = -1;
  do {
    // With MSG_TRUNC this is the packet's own size, also if it is larger.
    size = ::recv(socket, packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) {
    line.status =
        size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? LogLine::Status::Nothing : LogLine::Status::Ended;
    return line;
  }
  line.status = LogLine::Status::Malformed;
  const auto length = static_cast<std::size_t>(size);
  if (length < sizeof line.level || length > sizeof packet) {
    return line;
  }
  std::memcpy(&line.level, packet, sizeof line.level);
  if (line.level >= PROJECTOR_LOG_DEBUG && line.level <= PROJECTOR_LOG_ERROR) {
    line.status = LogLine::Status::Line;
    line.text.assign(packet + sizeof line.level, length - sizeof line.level);
  }
  return line;
}

} // namespace projector::channel
