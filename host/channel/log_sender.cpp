#include "channel/log_sender.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace projector::channel {

LogSender::LogSender(base::UniqueFd socket, std::atomic<std::uint64_t>& dropped)
    : socket_(std::move(socket)), dropped_(dropped) {}

void LogSender::send(std::int32_t level, std::string_view text) noexcept {
  const int before = errno;
  text = text.substr(0, kLongestLogLine);
  iovec parts[] = {{&level, sizeof level}, {const_cast<char*>(text.data()), text.size()}};
  msghdr packet = {};
  packet.msg_iov = parts;
  packet.msg_iovlen = 2;
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket_.get(), &packet, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
  }
  errno = before;
}

} // namespace projector::channel
