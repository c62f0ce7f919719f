#include "base/stop.hpp"

namespace projector::base {

void Stop::request() noexcept {
  source_.request_stop();
  event_.set();
}

const Stop& no_stop() {
  static const Stop stop;
  return stop;
}

} // namespace projector::base
