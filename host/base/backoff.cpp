#include "base/backoff.hpp"

#include <algorithm>

namespace projector::base {

Duration Backoff::next() {
  std::uniform_int_distribution<Duration::rep> pick(step_.count() / 2, step_.count());
  const Duration pause{pick(random_)};
  step_ = std::min(step_ * 2, longest_);
  return pause;
}

} // namespace projector::base
