#include "eventlog/flush_tracker.hpp"

#include <algorithm>

namespace projector::eventlog {

WalPosition flush_needed(WalPosition insert, std::int64_t wal_block_size, std::int64_t wal_segment_size) noexcept {
  constexpr std::int64_t kShortPageHeader = 24;
  constexpr std::int64_t kSegmentHeader = 40;
  if (insert % wal_segment_size == kSegmentHeader) {
    return insert - kSegmentHeader;
  }
  if (insert % wal_block_size == kShortPageHeader) {
    return insert - kShortPageHeader;
  }
  return insert;
}

void FlushTracker::settled(std::int64_t settled, WalPosition needed) {
  if (settled <= durable_) {
    return;
  }
  if (!waiting_.empty() && (waiting_.back().settled >= settled || waiting_.back().needed == needed)) {
    waiting_.back().settled = std::max(waiting_.back().settled, settled);
    return;
  }
  if (waiting_.size() >= kMost) {
    waiting_.back() = {settled, needed};
    return;
  }
  waiting_.push_back({settled, needed});
}

void FlushTracker::flushed(WalPosition position) {
  while (!waiting_.empty() && waiting_.front().needed <= position) {
    durable_ = waiting_.front().settled;
    waiting_.pop_front();
  }
}

} // namespace projector::eventlog
