#include "eventlog/lock_holders.hpp"

#include "pg/quote.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace projector::eventlog {
namespace {

constexpr std::size_t kShownHolders = 3;
constexpr const char* kShownQuery = "120";

std::string describe_session(const pg::Result& rows, std::size_t row, const std::string& role) {
  const auto text = [&](std::size_t column) { return std::string(rows.bytes(row, column)); };
  if (rows.is_null(row, 1)) {
    if (rows.is_null(row, 6)) {
      return fmt::format("transaction {}", text(0));
    }
    const std::string gid = pg::quote_literal(text(6));
    return fmt::format(
        "prepared transaction {} of role {} since {} (end it: COMMIT PREPARED {} or ROLLBACK PREPARED {})", gid,
        text(7), text(8), gid, gid);
  }
  if (rows.is_null(row, 3)) {
    return fmt::format("pid {} (to see what it does: GRANT pg_read_all_stats TO {})", text(1),
                       pg::quote_identifier(role));
  }
  const std::string application = text(2);
  return fmt::format("pid {} ({}{}{} for {} s): {}", text(1), application, application.empty() ? "" : ", ", text(3),
                     text(4), text(5));
}

} // namespace

LockHolders::LockHolders(pg::Connection& connection, const Store& store, const std::vector<std::uint32_t>& sequences)
    : connection_(connection), flushed_sql_(store.flushed_sql),
      condition_(fmt::format("l.locktype = 'relation' AND l.database = {} AND l.relation IN ({}) AND "
                             "l.mode = 'RowExclusiveLock' AND l.granted",
                             store.database_oid, fmt::join(sequences, ", "))) {
  transactions_ = query();
}

std::vector<std::string> LockHolders::query() {
  const auto row = connection_.exec("SELECT string_agg(DISTINCT l.virtualtransaction, ' '), "
                                    "(SELECT " +
                                    flushed_sql_ + ") FROM pg_locks l WHERE " + condition_);
  flushed_ = row.int8(0, 1);
  std::istringstream ids{std::string(row.bytes(0, 0))};
  std::vector<std::string> transactions{std::istream_iterator<std::string>(ids), {}};
  std::sort(transactions.begin(), transactions.end());
  return transactions;
}

bool LockHolders::refresh() {
  const auto now = query();
  std::vector<std::string> left;
  std::set_intersection(transactions_.begin(), transactions_.end(), now.begin(), now.end(), std::back_inserter(left));
  const bool gone = left.size() < transactions_.size();
  transactions_ = std::move(left);
  return gone;
}

std::string LockHolders::describe(const std::string& role) const {
  std::string ids;
  for (const auto& id : transactions_) {
    ids += (ids.empty() ? "" : ", ") + pg::quote_literal(id);
  }
  // A prepared transaction keeps its virtual id, but no pid; its xid leads to its name.
  const auto rows = connection_.exec(
      fmt::format("SELECT h.virtualtransaction, h.pid, a.application_name, a.state, "
                  "extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, "
                  "left(regexp_replace(a.query, '\\s+', ' ', 'g'), {}), p.gid, p.owner, p.prepared::timestamptz(0) "
                  "FROM (SELECT DISTINCT l.virtualtransaction, l.pid FROM pg_locks l WHERE {} AND "
                  "l.virtualtransaction IN ({})) h "
                  "LEFT JOIN pg_stat_activity a ON a.pid = h.pid "
                  "LEFT JOIN pg_locks x ON h.pid IS NULL AND x.locktype = 'transactionid' AND x.granted AND "
                  "x.virtualtransaction = h.virtualtransaction "
                  "LEFT JOIN pg_prepared_xacts p ON p.transaction = x.transactionid ORDER BY a.xact_start, h.pid",
                  kShownQuery, condition_, ids.empty() ? "''" : ids));
  std::string text;
  for (std::size_t row = 0; row < std::min(rows.rows(), kShownHolders); ++row) {
    text += (row == 0 ? "" : "; ") + describe_session(rows, row, role);
  }
  if (rows.rows() > kShownHolders) {
    text += fmt::format("; and {} more", rows.rows() - kShownHolders);
  }
  return text.empty() ? "a transaction that is just ending" : text;
}

} // namespace projector::eventlog
