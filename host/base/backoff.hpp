#pragma once

#include "base/clock.hpp"

#include <random>

namespace projector::base {

/// Growing pauses with jitter between attempts: each is drawn from between half a step and a whole one, and the step
/// doubles from `first` up to `longest`. One owner, one thread.
class Backoff {
public:
  Backoff(Duration first, Duration longest) : first_(first), longest_(longest), step_(first) {}

  /// The pause before the next attempt.
  Duration next();
  /// Called after a success: the next pause is drawn from `first` again.
  void reset() { step_ = first_; }

private:
  Duration first_;
  Duration longest_;
  Duration step_;
  std::minstd_rand random_{std::random_device{}()};
};

} // namespace projector::base
