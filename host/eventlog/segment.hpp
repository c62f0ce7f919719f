#pragma once

#include "base/clock.hpp"
#include "eventlog/region.hpp"

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace projector::eventlog {

/// The fields that filters compare. A segment holds each combination once.
struct EventKind {
  std::string_view bounded_context;
  std::string_view aggregate_type;
  std::string_view event_type;
};

/// A run of settled events in memory: every event with after < global_position <= to that was or ever will be in the
/// store. Immutable once built and shared by all workers. The events and their text lie in blocks of a region.
class Segment {
public:
  [[nodiscard]] std::int64_t after() const noexcept { return after_; }
  [[nodiscard]] std::int64_t to() const noexcept { return to_; }
  /// In order of position; each is in the form in which plugins get it.
  [[nodiscard]] std::span<const projector_event> events() const noexcept { return events_; }
  /// FNV-1a of each event's aggregate id, same order as events().
  [[nodiscard]] std::span<const std::uint32_t> aggregate_hashes() const noexcept { return hashes_; }
  /// Index into kinds() of each event, same order as events().
  [[nodiscard]] std::span<const std::uint32_t> event_kinds() const noexcept { return event_kinds_; }
  [[nodiscard]] std::span<const EventKind> kinds() const noexcept { return kinds_; }
  /// Memory of blocks and tables.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// The incarnation in which it was read; see EventLog::incarnation.
  [[nodiscard]] std::uint64_t incarnation() const noexcept { return incarnation_; }
  /// When its read began.
  [[nodiscard]] base::TimePoint read_at() const noexcept { return read_at_; }

private:
  friend class SegmentBuilder;
  Segment() = default;
  std::int64_t after_ = 0;
  std::int64_t to_ = 0;
  Region::Block block_;
  Region::Block large_text_;
  std::span<const projector_event> events_; ///< in block_
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint32_t> event_kinds_;
  std::vector<EventKind> kinds_;
  std::size_t bytes_ = 0;
  std::uint64_t incarnation_ = 0;
  base::TimePoint read_at_;
};

} // namespace projector::eventlog
