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

/// Which positions above the settled one a look has seen, and which below the highest of those are missing. Holds
/// ranges only, so that its size follows the rows of one look and never the width of a gap. Owned by a look.
class GapTracker {
public:
  explicit GapTracker(std::int64_t settled) : highest_(settled) {}

  /// The next row of the look's snapshot; positions rise.
  void add(std::int64_t position);
  /// Rows found later in missing ranges, in order of position.
  void fill(std::span<const std::int64_t> positions);

  /// What is missing at or below it never comes.
  void close(std::int64_t position);

  /// No position at or below it, down to where the look began, is missing.
  [[nodiscard]] std::int64_t contiguous() const noexcept {
    return missing_.empty() ? highest_ : missing_.front().after;
  }
  /// The highest position seen in the look's snapshot.
  [[nodiscard]] std::int64_t highest() const noexcept { return highest_; }
  /// In order, not adjacent, none empty.
  [[nodiscard]] const std::vector<PositionRange>& missing() const noexcept { return missing_; }
  /// The first missing ranges above `position` that together hold at most so many positions, or the first alone where
  /// it is wider than that.
  [[nodiscard]] std::vector<PositionRange> missing_above(std::int64_t position, std::int64_t most) const;

private:
  std::int64_t highest_;
  std::vector<PositionRange> missing_;
};

} // namespace projector::eventlog
