#include "eventlog/event_scan.hpp"

#include "eventlog/lock_holders.hpp"
#include "pg/transaction.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::eventlog {
namespace {

constexpr std::size_t kEventsAtOnce = 20000;
constexpr base::Duration kPollInterval = std::chrono::milliseconds(50);

} // namespace

bool keeps_commit_times(pg::Connection& connection) {
  return connection.exec("SELECT current_setting('track_commit_timestamp')::boolean").boolean(0, 0);
}

void scan_events(pg::Connection& connection, const Store& store, std::int64_t from, std::int64_t to, bool commit_times,
                 const std::function<void(const ScannedEvent&)>& visit) {
  const std::string query = fmt::format(
      "SELECT global_position, aggregate_id, {} FROM {} WHERE global_position > $1 AND global_position <= $2 ORDER BY "
      "global_position LIMIT {}",
      commit_times ? "(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint" : "NULL::bigint",
      store.table, kEventsAtOnce);
  while (from < to) {
    const pg::Transaction transaction(connection, begin_reading());
    const auto rows = connection.exec(query, pg::Parameters{}.int8(from).int8(to));
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      visit({rows.int8(row, 0), std::string(rows.bytes(row, 1)),
             rows.is_null(row, 2) ? std::nullopt : std::optional(rows.int8(row, 2))});
    }
    from = rows.rows() < kEventsAtOnce ? to : rows.int8(rows.rows() - 1, 0);
  }
}

LateEvents wait_for_late_events(pg::Connection& connection, const Store& store, std::int64_t from, std::int64_t to,
                                base::Duration limit, const base::Stop& stop) {
  LateEvents late;
  if (LockHolders(connection, store, {store.sequence_oid}).empty()) {
    return late;
  }
  std::vector<std::int64_t> before;
  scan_events(connection, store, from, to, false, [&](const ScannedEvent& event) { before.push_back(event.position); });
  if (static_cast<std::int64_t>(before.size()) == to - from) {
    return late;
  }
  LockHolders holders(connection, store, {store.sequence_oid});
  const auto deadline = base::Clock::now() + limit;
  while (!holders.empty() && base::Clock::now() < deadline && !stop.requested()) {
    stop.wait_for(kPollInterval);
    holders.refresh();
  }
  late.holders = holders.empty() ? "" : holders.describe(store.role);
  scan_events(connection, store, from, to, false, [&](const ScannedEvent& event) {
    if (!std::binary_search(before.begin(), before.end(), event.position)) {
      late.events.push_back(event);
    }
  });
  return late;
}

} // namespace projector::eventlog
