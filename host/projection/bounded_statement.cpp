#include "projection/bounded_statement.hpp"

#include "pg/pipeline.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

enum Tag : std::size_t { kSetting, kStatement };

/// Plain reads and writes of rows take weaker locks than these. One who only waits for such a lock keeps everybody
/// behind itself waiting as well.
constexpr std::string_view kTableLocks = R"(
SELECT l.pid, a.application_name, a.state,
       (extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start)))::bigint,
       l.granted, l.mode, l.relation::regclass::text,
       CASE WHEN l.granted THEN '' ELSE array_to_string(pg_blocking_pids(l.pid), ', ') END
  FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.relation >= 16384
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
   AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
 ORDER BY l.granted DESC, 4 DESC NULLS LAST LIMIT 3)";

std::string describe_row(const pg::Result& rows, std::size_t row) {
  const auto text = [&](std::size_t column) { return std::string(rows.bytes(row, column)); };
  std::string session = "a prepared transaction (see pg_prepared_xacts)";
  if (!rows.is_null(row, 0)) {
    session = fmt::format("pid {}", text(0));
    if (!rows.is_null(row, 2)) {
      session += fmt::format(" ({}{}{} for {} s)", text(1), text(1).empty() ? "" : ", ", text(2), text(3));
    }
  }
  const std::string lock = fmt::format("{} on {}", text(5), text(6));
  return rows.boolean(row, 4) ? fmt::format("{} holds {}", session, lock)
                              : fmt::format("{} waits for {} behind pid {}", session, lock, text(7));
}

} // namespace

std::string setting_value(base::Duration duration) {
  return fmt::format("{}ms", std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

pg::Result exec_bounded(pg::Connection& connection, base::Duration lock_timeout, std::string_view sql,
                        const pg::Parameters& parameters) {
  pg::Result answer;
  pg::Pipeline pipeline(connection);
  // What is sent before one Sync is one transaction, which an error rolls back, and to which the setting is local.
  pipeline.send("SELECT set_config('lock_timeout', $1, true)", pg::Parameters{}.text(setting_value(lock_timeout)), {},
                kSetting);
  pipeline.send(sql, parameters, {}, kStatement);
  const auto failed = pipeline.sync([&](std::size_t tag, pg::Result&& result) {
    if (tag == kStatement) {
      answer = std::move(result);
    }
  });
  if (failed) {
    throw failed->error;
  }
  return answer;
}

std::string describe_table_locks(pg::Connection& connection) noexcept {
  try {
    const auto rows = connection.exec(kTableLocks);
    std::string text;
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      text += (row == 0 ? "" : "; ") + describe_row(rows, row);
    }
    return text;
  } catch (...) {
    return {}; // it only explains an error that is told anyway
  }
}

std::string describe_error(pg::Connection* connection, const std::exception& error) {
  const auto* refused = dynamic_cast<const pg::Error*>(&error);
  if (refused == nullptr || !refused->is("55P03") || connection == nullptr || !connection->at_rest()) {
    return error.what();
  }
  const auto locks = describe_table_locks(*connection);
  return locks.empty() ? error.what() : fmt::format("{}: {}", error.what(), locks);
}

} // namespace projector::projection
