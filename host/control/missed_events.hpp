#pragma once

#include "base/stop.hpp"
#include "eventlog/event_scan.hpp"
#include "projection/adoption_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::control {

/// An event at or below a partition's row that was not visible yet when the other program moved the row past it.
struct MissedEvent {
  std::int64_t position = 0;
  std::uint32_t partition = 0;
  std::string aggregate_id;
};

/// Events that a reader which trusts positions has skipped, as far as they are known.
struct MissedEvents {
  std::vector<MissedEvent> events; ///< by position
  std::int64_t looked_from = 0;    ///< the search began above this position in the partition with the lowest row
  std::string unknown;             ///< why events committed before this search are not included; empty: they are
  std::string holders;             ///< transactions that may still commit missed events; empty: none
};

/// Searches the last million positions below each row, but not those that this host has handled itself. Waits for
/// transactions in flight for at most `limit`. Throws pg::Error, pg::Interrupted.
MissedEvents find_missed_events(pg::Connection& connection, const eventlog::Store& store,
                                const projection::AdoptionPlan& plan, base::Duration limit, const base::Stop& stop);

/// For each partition, the number of events above its start and up to the position to which they may have been handled
/// already. Throws pg::Error, pg::Interrupted.
std::vector<std::int64_t> count_repeated(pg::Connection& connection, const eventlog::Store& store,
                                         const projection::AdoptionPlan& plan);

} // namespace projector::control
