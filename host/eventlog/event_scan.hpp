#pragma once

#include "base/stop.hpp"
#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::eventlog {

/// The parts of an event that operators' commands need.
struct ScannedEvent {
  std::int64_t position = 0;
  std::string aggregate_id;
  std::optional<std::int64_t>
      committed_at; ///< microseconds since 1970; nothing if not requested, or if the server does not know it any more
};

/// Whether the server keeps the time of each commit (track_commit_timestamp).
bool keeps_commit_times(pg::Connection& connection);

/// Calls `visit` in order of position for each committed event above `from` and up to `to`. Reads the table in several
/// queries, each in a snapshot of its own. Throws pg::Error, pg::Interrupted.
void scan_events(pg::Connection& connection, const Store& store, std::int64_t from, std::int64_t to, bool commit_times,
                 const std::function<void(const ScannedEvent&)>& visit);

/// Events whose transactions were open when the wait began.
struct LateEvents {
  std::vector<ScannedEvent> events; ///< those that were committed during the wait, by position
  std::string holders;              ///< the transactions that may still commit some; empty: none
};

/// Waits, at most for `limit`, until all transactions that have drawn positions have ended, and finds the events above
/// `from` and up to `to` that were committed meanwhile. Throws pg::Error, pg::Interrupted.
LateEvents wait_for_late_events(pg::Connection& connection, const Store& store, std::int64_t from, std::int64_t to,
                                base::Duration limit, const base::Stop& stop);

} // namespace projector::eventlog
