#include "eventlog/segment_cache.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace projector::eventlog {
namespace {

/// How many positions the nearest cursor is behind the segment; kNone if all cursors have passed it.
std::int64_t distance(const Segment& segment, std::span<const std::int64_t> positions) {
  const auto behind = std::lower_bound(positions.begin(), positions.end(), segment.to());
  if (behind == positions.begin()) {
    return SegmentCache::kNone;
  }
  return std::max<std::int64_t>(segment.after() - *std::prev(behind), 0);
}

} // namespace

SegmentPtr SegmentCache::find(std::int64_t position, base::TimePoint not_before) const {
  auto next = segments_.upper_bound(position);
  if (next == segments_.begin()) {
    return nullptr;
  }
  const SegmentPtr& segment = std::prev(next)->second;
  return segment->to() > position && segment->read_at() >= not_before ? segment : nullptr;
}

std::int64_t SegmentCache::next_start(std::int64_t position, base::TimePoint not_before) const {
  auto next = segments_.upper_bound(position);
  while (next != segments_.end() && next->second->read_at() < not_before) {
    ++next;
  }
  return next == segments_.end() ? kNone : next->first;
}

void SegmentCache::erase(Map::iterator at) {
  bytes_ -= at->second->bytes();
  segments_.erase(at);
}

/// Erases the segments that the new one covers, and older ones that overlap with it, since all of their events may be
/// outdated. False: a newer or longer segment begins at the same position.
bool SegmentCache::replace_older(const Segment& segment) {
  auto next = segments_.upper_bound(segment.after());
  if (next != segments_.begin() && std::prev(next)->second->to() > segment.after()) {
    --next;
  }
  while (next != segments_.end() && next->first < segment.to()) {
    const Segment& other = *next->second;
    const bool covered = other.after() >= segment.after() && other.to() <= segment.to();
    if (other.read_at() < segment.read_at() || (covered && other.read_at() == segment.read_at())) {
      erase(next++);
    } else if (other.after() == segment.after()) {
      return false;
    } else {
      ++next;
    }
  }
  return true;
}

bool SegmentCache::insert(SegmentPtr segment, std::span<const std::int64_t> positions) {
  if (!replace_older(*segment)) {
    return true;
  }
  const std::int64_t key = segment->after();
  bytes_ += segment->bytes();
  segments_.emplace(key, std::move(segment));
  return fit(positions, key);
}

void SegmentCache::set_budget(std::size_t budget, std::span<const std::int64_t> positions) {
  budget_ = budget;
  fit(positions, kNone);
}

/// False: the segment that begins at `newest` was dropped, too.
bool SegmentCache::fit(std::span<const std::int64_t> positions, std::int64_t newest) {
  if (bytes_ <= budget_) {
    return true;
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> candidates;
  for (const auto& [after, cached] : segments_) {
    candidates.emplace_back(distance(*cached, positions), after);
  }
  std::sort(candidates.begin(), candidates.end(), [](const auto& left, const auto& right) {
    return left.first != right.first ? left.first > right.first
           : left.first == kNone     ? left.second < right.second
                                     : left.second > right.second;
  });
  bool kept = true;
  for (auto worst = candidates.begin(); bytes_ > budget_ && worst != candidates.end(); ++worst) {
    kept = kept && worst->second != newest;
    erase(segments_.find(worst->second));
  }
  return kept;
}

std::vector<SegmentPtr> SegmentCache::mergeable(std::int64_t position) const {
  std::vector<SegmentPtr> run; // newest first
  std::size_t events = 0;
  std::size_t bytes = 0;
  for (auto next = segments_.upper_bound(position); next != segments_.begin();) {
    --next;
    const SegmentPtr& segment = next->second;
    if (run.empty() && segment->to() > position) {
      continue;
    }
    // A segment is merged only if it is at most twice as large as all newer ones, so that each event is copied only a
    // few times.
    const bool fits =
        run.empty() || (segment->to() == run.back()->after() && segment->events().size() <= 2 * events + 1 &&
                        segment->incarnation() == run.back()->incarnation());
    if (!fits || events + segment->events().size() > kSegmentEvents || bytes + segment->bytes() > kSegmentBytes) {
      break;
    }
    events += segment->events().size();
    bytes += segment->bytes();
    run.push_back(segment);
  }
  std::reverse(run.begin(), run.end());
  return run;
}

void SegmentCache::replace(const std::vector<SegmentPtr>& parts, SegmentPtr merged) {
  for (const SegmentPtr& part : parts) {
    const auto at = segments_.find(part->after());
    if (at == segments_.end() || at->second != part) {
      return;
    }
  }
  for (const SegmentPtr& part : parts) {
    erase(segments_.find(part->after()));
  }
  bytes_ += merged->bytes();
  segments_.emplace(merged->after(), std::move(merged));
}

std::size_t SegmentCache::needed_within(std::int64_t most, std::span<const std::int64_t> positions) const {
  std::size_t sum = 0;
  for (const auto& [after, segment] : segments_) {
    if (distance(*segment, positions) <= most) {
      sum += segment->bytes();
    }
  }
  return sum;
}

void SegmentCache::clear() {
  segments_.clear();
  bytes_ = 0;
}

} // namespace projector::eventlog
