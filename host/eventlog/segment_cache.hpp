#pragma once

#include "eventlog/segment_builder.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

namespace projector::eventlog {

/// The segments in memory, by the positions that they cover. Above its budget it drops first the segments that all
/// cursors have passed, then those that are farthest ahead of their nearest cursor. A segment replaces older ones that
/// overlap with it. Guarded by SharedLog's mutex.
class SegmentCache {
public:
  explicit SegmentCache(std::size_t budget) : budget_(budget) {}

  /// The segment that covers position + 1 and was not read before `not_before`, or null.
  [[nodiscard]] SegmentPtr find(std::int64_t position, base::TimePoint not_before = {}) const;
  /// The beginning of the first segment that begins above `position` and was not read before `not_before`; kNone if
  /// there is none.
  [[nodiscard]] std::int64_t next_start(std::int64_t position, base::TimePoint not_before = {}) const;
  /// Adds the segment and drops others, or the new one itself, until the budget holds. `positions`: of all cursors,
  /// sorted. False: the new one was dropped.
  bool insert(SegmentPtr segment, std::span<const std::int64_t> positions);
  /// Changes the budget, and drops segments until it holds.
  void set_budget(std::size_t budget, std::span<const std::int64_t> positions);
  /// The newest run of small adjacent segments at or below `position` that are worth merging; fewer than two: none.
  [[nodiscard]] std::vector<SegmentPtr> mergeable(std::int64_t position) const;
  /// Replaces `parts` by `merged`, if all of them are still in the cache.
  void replace(const std::vector<SegmentPtr>& parts, SegmentPtr merged);
  /// Bytes of the segments that are at most `distance` positions ahead of their nearest cursor.
  [[nodiscard]] std::size_t needed_within(std::int64_t distance, std::span<const std::int64_t> positions) const;
  void clear();

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t budget() const noexcept { return budget_; }
  [[nodiscard]] std::size_t size() const noexcept { return segments_.size(); }

  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

private:
  using Map = std::map<std::int64_t, SegmentPtr>; ///< by Segment::after
  void erase(Map::iterator at);
  bool replace_older(const Segment& segment);
  bool fit(std::span<const std::int64_t> positions, std::int64_t newest);

  std::size_t budget_;
  std::size_t bytes_ = 0;
  Map segments_;
};

} // namespace projector::eventlog
