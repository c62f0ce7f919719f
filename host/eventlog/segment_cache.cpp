#include "eventlog/segment_cache.hpp"

#include <algorithm>

namespace projector::eventlog {
namespace {

/// How far the nearest cursor has to go to reach the segment: kNone where all are past it.
std::int64_t distance(const Segment& segment, std::span<const std::int64_t> positions) {
  const auto behind = std::lower_bound(positions.begin(), positions.end(), segment.to());
  if (behind == positions.begin()) {
    return SegmentCache::kNone;
  }
  return std::max<std::int64_t>(segment.after() - *std::prev(behind), 0);
}

} // namespace

SegmentPtr SegmentCache::find(std::int64_t position) const {
  auto next = segments_.upper_bound(position);
  if (next == segments_.begin() || std::prev(next)->second->to() <= position) {
    return nullptr;
  }
  return std::prev(next)->second;
}

std::int64_t SegmentCache::next_start(std::int64_t position) const {
  const auto next = segments_.upper_bound(position);
  return next == segments_.end() ? kNone : next->first;
}

void SegmentCache::erase(Map::iterator at) {
  bytes_ -= at->second->bytes();
  segments_.erase(at);
}

bool SegmentCache::insert(SegmentPtr segment, std::span<const std::int64_t> positions) {
  const std::int64_t key = segment->after();
  for (auto covered = segments_.lower_bound(key);
       covered != segments_.end() && covered->second->to() <= segment->to();) {
    erase(covered++);
  }
  if (const auto same = segments_.find(key); same != segments_.end()) {
    return true; // what is there reaches farther
  }
  bytes_ += segment->bytes();
  segments_.emplace(key, std::move(segment));
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
    kept = kept && worst->second != key;
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
    // Only with what is at most twice as large as all the newer ones, so that each event is copied a few times at most.
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
