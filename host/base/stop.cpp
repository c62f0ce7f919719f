#include "base/stop.hpp"

#include <poll.h>

#include <algorithm>

namespace projector::base {

void Stop::request() noexcept {
  source_.request_stop();
  event_.set();
}

bool Stop::wait_for(Duration duration) const noexcept {
  using std::chrono::nanoseconds, std::chrono::seconds;
  const TimePoint until = Clock::now() + std::min<Duration>(duration, std::chrono::hours(24 * 365));
  while (!requested()) {
    const nanoseconds left = until - Clock::now();
    if (left <= nanoseconds::zero()) {
      break;
    }
    const auto whole = std::chrono::floor<seconds>(left);
    const timespec limit{.tv_sec = whole.count(), .tv_nsec = (left - whole).count()};
    pollfd request{fd(), POLLIN, 0};
    ::ppoll(&request, 1, &limit, nullptr); // which a signal to this thread ends early
  }
  return !requested();
}

const Stop& no_stop() {
  static const Stop stop;
  return stop;
}

} // namespace projector::base
