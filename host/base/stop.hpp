#pragma once

#include "base/clock.hpp"
#include "base/wakeup.hpp"

#include <stop_token>

namespace projector::base {

/// A request to a thread to end. A thread can wait for it on a condition variable (token) and in poll (fd), so it
/// interrupts waits for events and for database sockets. Made and requested by any thread; it cannot be withdrawn.
class Stop {
public:
  Stop() = default;
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  void request() noexcept;
  [[nodiscard]] bool requested() const noexcept { return source_.stop_requested(); }
  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
  /// Sleeps for `duration`, or until the stop is requested. False: it is requested.
  bool wait_for(Duration duration) const noexcept;
  /// Readable once the stop is requested.
  [[nodiscard]] int fd() const noexcept { return event_.fd(); }

private:
  std::stop_source source_;
  Wakeup event_;
};

/// A stop that is never requested, for callers without one.
const Stop& no_stop();

} // namespace projector::base
