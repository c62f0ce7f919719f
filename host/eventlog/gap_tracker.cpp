#include "eventlog/gap_tracker.hpp"

#include <algorithm>
#include <stdexcept>

namespace projector::eventlog {

void GapTracker::add(std::int64_t position) {
  if (position <= highest_) {
    throw std::logic_error("positions of a look must rise");
  }
  if (position > highest_ + 1) {
    missing_.push_back({highest_, position - 1});
  }
  highest_ = position;
}

void GapTracker::fill(std::span<const std::int64_t> positions) {
  std::vector<PositionRange> left;
  left.reserve(missing_.size() + positions.size());
  auto next = positions.begin();
  for (PositionRange range : missing_) {
    while (next != positions.end() && *next <= range.after) {
      ++next;
    }
    for (; next != positions.end() && *next <= range.to; ++next) {
      if (*next > range.after + 1) {
        left.push_back({range.after, *next - 1});
      }
      range.after = *next;
    }
    if (range.after < range.to) {
      left.push_back(range);
    }
  }
  missing_ = std::move(left);
}

void GapTracker::close(std::int64_t position) {
  auto first = missing_.begin();
  while (first != missing_.end() && first->to <= position) {
    ++first;
  }
  if (first != missing_.end()) {
    first->after = std::max(first->after, position);
  }
  missing_.erase(missing_.begin(), first);
}

std::vector<PositionRange> GapTracker::missing_above(std::int64_t position, std::int64_t most) const {
  std::vector<PositionRange> part;
  auto range = std::lower_bound(missing_.begin(), missing_.end(), position,
                                [](const PositionRange& left, std::int64_t right) { return left.to <= right; });
  for (; range != missing_.end(); ++range) {
    const PositionRange next{std::max(range->after, position), range->to};
    most -= next.to - next.after;
    if (most < 0 && !part.empty()) {
      break;
    }
    part.push_back(next);
  }
  return part;
}

} // namespace projector::eventlog
