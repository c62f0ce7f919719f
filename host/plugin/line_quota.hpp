#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <utility>

namespace projector::plugin {

/// Bounds the lines that are passed on each second, and counts the others. One thread.
class LineQuota {
public:
  static constexpr std::uint32_t kLinesPerSecond = 200;

  /// Whether a line that arrives now is passed on; else it is counted.
  bool take(base::TimePoint now) {
    if (now >= second_ends_) {
      second_ends_ = now + std::chrono::seconds(1);
      taken_ = 0;
    }
    if (taken_ < kLinesPerSecond) {
      ++taken_;
      return true;
    }
    if (dropped_++ == 0) {
      report_at_ = now + std::chrono::seconds(1);
    }
    return false;
  }

  /// When the count is to be told; nothing if no line was dropped since it was told last.
  [[nodiscard]] std::optional<base::TimePoint> report_at() const {
    return dropped_ > 0 ? std::optional(report_at_) : std::nullopt;
  }
  /// How many lines were dropped since the last call.
  std::uint64_t take_dropped() { return std::exchange(dropped_, 0); }

private:
  base::TimePoint second_ends_ = {};
  base::TimePoint report_at_ = {};
  std::uint32_t taken_ = 0;
  std::uint64_t dropped_ = 0;
};

} // namespace projector::plugin
