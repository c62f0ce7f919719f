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

/// What operators' commands need to know of an event.
struct ScannedEvent {
  std::int64_t position = 0;
  std::string aggregate_id;
  std::optional<std::int64_t> committed_at; ///< microseconds since 1970; nothing: not asked for, or not known any more
};

/// Whether the server keeps the time of each commit (track_commit_timestamp).
bool keeps_commit_times(pg::Connection& connection);

/// Calls `visit` for each event above `from` up to `to` that is committed now, in the order of positions. Reads the
/// table in pieces, each in a snapshot of its own. Throws pg::Error, pg::Interrupted.
void scan_events(pg::Connection& connection, const Store& store, std::int64_t from, std::int64_t to, bool commit_times,
                 const std::function<void(const ScannedEvent&)>& visit);

/// Events that were on their way.
struct LateEvents {
  std::vector<ScannedEvent> events; ///< committed while it was waited for them, by position
  std::string holders;              ///< who may still commit some; empty: nobody
};

/// Waits for all transactions that have drawn positions and not ended yet, for `limit` at most, and finds the events
/// above `from` up to `to` that they have committed meanwhile. Throws pg::Error, pg::Interrupted.
LateEvents wait_for_late_events(pg::Connection& connection, const Store& store, std::int64_t from, std::int64_t to,
                                base::Duration limit, const base::Stop& stop);

} // namespace projector::eventlog
