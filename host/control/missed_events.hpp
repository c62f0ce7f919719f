#pragma once

#include "base/stop.hpp"
#include "eventlog/event_scan.hpp"
#include "projection/adoption_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::control {

/// An event at or below a partition's row that the other program cannot have seen when it moved the row over it.
struct MissedEvent {
  std::int64_t position = 0;
  std::uint32_t partition = 0;
  std::string aggregate_id;
};

/// What is known of the events that a reader who trusts positions has passed by.
struct MissedEvents {
  std::vector<MissedEvent> events; ///< by position
  std::int64_t looked_from = 0;    ///< above this position, in the partition whose row is lowest
  std::string unknown; ///< why those that were committed before this look are not among them; empty: they are
  std::string holders; ///< transactions that may still commit some; empty: none
};

/// Looks at the last million positions below each row, and no further down than where this host has handled them
/// itself. Waits
/// for transactions in flight, for `limit`. Throws pg::Error, pg::Interrupted.
MissedEvents find_missed_events(pg::Connection& connection, const eventlog::Store& store,
                                const projection::AdoptionPlan& plan, base::Duration limit, const base::Stop& stop);

/// How many events of each partition lie above its start and at or below where somebody may have handled them; by
/// partition. Throws pg::Error, pg::Interrupted.
std::vector<std::int64_t> count_repeated(pg::Connection& connection, const eventlog::Store& store,
                                         const projection::AdoptionPlan& plan);

} // namespace projector::control
