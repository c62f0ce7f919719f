#include "base/stop.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace projector::base {

Stop::Stop() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

void Stop::request() noexcept {
  source_.request_stop();
  const std::uint64_t one = 1;
  // The counter cannot overflow in any lifetime, so the write cannot fail.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

const Stop& no_stop() {
  static const Stop stop;
  return stop;
}

} // namespace projector::base
