#pragma once

#include "eventlog/segment_builder.hpp"

#include <cstring>
#include <string>

namespace projector::eventlog {

/// One for all tests of a program.
inline std::shared_ptr<Region> test_region() {
  static const auto region = Region::create(16u << 20);
  return region;
}

inline projector_str str(std::string_view text) {
  return {text.data(), text.size()};
}

inline projector_event event(std::int64_t position, std::string_view aggregate_id = "a", std::string_view payload = "p",
                             std::string_view type = "t") {
  projector_event event{};
  event.struct_size = sizeof event;
  event.global_position = position;
  event.bounded_context = str("ctx");
  event.aggregate_type = str("agg");
  event.aggregate_id = str(aggregate_id);
  event.event_type = str(type);
  event.payload = str(payload);
  return event;
}

/// Covers (after, to] with an event at every position, or none.
inline SegmentPtr segment(std::int64_t after, std::int64_t to, std::size_t payload = 1, bool with_events = true,
                          base::TimePoint read_at = base::Clock::now()) {
  SegmentBuilder builder(test_region());
  const std::string text(payload, 'x');
  for (std::int64_t position = after + 1; with_events && position <= to; ++position) {
    builder.append(event(position, "a", text));
  }
  return builder.finish(after, to, 1, read_at);
}

} // namespace projector::eventlog
