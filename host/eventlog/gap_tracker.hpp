#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace projector::eventlog {

/// The positions with after < position <= to.
struct PositionRange {
  std::int64_t after;
  std::int64_t to;
  friend bool operator==(const PositionRange&, const PositionRange&) = default;
};

/// Tracks which positions a look has seen above the settled one, and which are missing between them. Stores ranges, so
/// that its size depends on the number of rows and not on the width of gaps. Owned by a look.
class GapTracker {
public:
  explicit GapTracker(std::int64_t settled) : highest_(settled) {}

  /// The next row of the look's snapshot; positions rise.
  void add(std::int64_t position);
  /// Rows found later in missing ranges, in order of position.
  void fill(std::span<const std::int64_t> positions);

  /// Positions that are missing at or below `position` will never be filled.
  void close(std::int64_t position);

  /// The highest position below which none is missing, counted from where the look began.
  [[nodiscard]] std::int64_t contiguous() const noexcept {
    return missing_.empty() ? highest_ : missing_.front().after;
  }
  /// The highest position seen in the look's snapshot.
  [[nodiscard]] std::int64_t highest() const noexcept { return highest_; }
  /// In order, not adjacent, none empty.
  [[nodiscard]] const std::vector<PositionRange>& missing() const noexcept { return missing_; }
  /// The first missing ranges above `position` that together have at most `most` positions; only the first one if it is
  /// wider than that.
  [[nodiscard]] std::vector<PositionRange> missing_above(std::int64_t position, std::int64_t most) const;

private:
  std::int64_t highest_;
  std::vector<PositionRange> missing_;
};

} // namespace projector::eventlog
