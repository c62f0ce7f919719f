#include "projection/delivery_history.hpp"

#include <projector/plugin.h>

#include <algorithm>

namespace projector::projection {

void DeliveryHistory::begin(std::int64_t highest, std::int64_t repeated_up_to) noexcept {
  highest_ = highest;
  repeated_up_to_ = repeated_up_to;
  first_ = -1;
  attempt_ = 0;
}

DeliveryHistory::Call DeliveryHistory::next_call(std::int64_t first) noexcept {
  attempt_ = first == first_ ? attempt_ + 1 : 1;
  first_ = first;
  return {.attempt = attempt_,
          .flags = (attempt_ > 1 || first <= repeated_up_to_ ? PROJECTOR_BATCH_REPEATED : 0u) |
                   (first <= highest_ ? PROJECTOR_BATCH_REBUILD : 0u)};
}

void DeliveryHistory::not_committed(std::int64_t last) noexcept {
  repeated_up_to_ = std::max(repeated_up_to_, last);
}

} // namespace projector::projection
