#pragma once

#include "base/wakeup.hpp"

#include <stop_token>

namespace projector::base {

/// Tells one thread to end. It can be waited for on a condition variable (token) and in poll (fd), so that neither a
/// wait for events nor one for a database socket outlives it. Made and requested by any thread; never taken back.
class Stop {
public:
  Stop() = default;
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  void request() noexcept;
  [[nodiscard]] bool requested() const noexcept { return source_.stop_requested(); }
  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
  /// Readable from the moment of the request on.
  [[nodiscard]] int fd() const noexcept { return event_.fd(); }

private:
  std::stop_source source_;
  Wakeup event_;
};

/// A stop that nobody requests, for code that has none.
const Stop& no_stop();

} // namespace projector::base
