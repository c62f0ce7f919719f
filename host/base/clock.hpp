#pragma once

#include <chrono>

namespace projector::base {

/// Every wait and every interval in the host is measured on this clock; wall-clock time is only shown to people and
/// stored in tables.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::microseconds;

/// A deadline that never comes. Not time_point::max(), which overflows when a wait converts it to another clock.
inline TimePoint never() {
  return Clock::now() + std::chrono::hours(24 * 365);
}

} // namespace projector::base
