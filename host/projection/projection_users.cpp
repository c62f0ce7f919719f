#include "projection/projection_users.hpp"

#include "base/clean_text.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

constexpr std::size_t kShownStatementBytes = 120;

} // namespace

std::string running_workers(pg::Connection& connection, const CheckpointTables& tables,
                            const std::vector<std::string>& names, const std::string& own_host, base::Duration limit) {
  const auto hosts = connection.exec(
      fmt::format(
          "SELECT host, string_agg(partition::text, ', ' ORDER BY partition), string_agg(DISTINCT state, ', '), "
          "to_char(min(greatest(extract(epoch FROM clock_timestamp() - heartbeat), 0)), 'FM990.0') FROM {} "
          "WHERE name = ANY ($1::text[]) AND host <> $2 AND state NOT IN ('stopped', 'missing', 'refused') "
          "AND heartbeat > clock_timestamp() - $3 * interval '1 microsecond' GROUP BY host ORDER BY host",
          tables.workers),
      pg::Parameters{}.text_array(names).text(own_host).int8(limit.count()));
  std::string found;
  for (std::size_t row = 0; row < hosts.rows(); ++row) {
    found += fmt::format("{}host {} (partition {}, {}, {} s ago)", row == 0 ? "" : ", ", hosts.bytes(row, 0),
                         hosts.bytes(row, 1), hosts.bytes(row, 2), hosts.bytes(row, 3));
  }
  return found;
}

std::string lock_holders(pg::Connection& connection, const CheckpointTables& tables, const std::string& base,
                         const std::vector<std::string>& names) {
  const auto holders = connection.exec(
      fmt::format(
          "SELECT l.pid, p.gid, a.application_name, a.state, coalesce(extract(epoch FROM now() - a.xact_start)"
          "::bigint, 0), a.query FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid LEFT JOIN "
          "pg_prepared_xacts p ON p.transaction = l.transactionid WHERE l.granted AND l.pid IS DISTINCT FROM "
          "pg_backend_pid() AND (l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE "
          "datname = current_database()) AND l.classid = (hashtext('projectord')::bigint & 4294967295)::oid AND "
          "l.objid = (hashtext($1)::bigint & 4294967295)::oid AND l.objsubid = 2 OR l.locktype = "
          "'transactionid' AND l.transactionid IN (SELECT xmax FROM {} WHERE checkpoint = $1 UNION ALL SELECT "
          "xmax FROM {} WHERE name = ANY ($2::text[]) UNION ALL SELECT xmax FROM {} WHERE projection_name = ANY "
          "($2::text[]))) ORDER BY l.pid",
          tables.projections, tables.checkpoints, tables.mirror),
      pg::Parameters{}.text(base, 25).text_array(names));
  std::string found;
  for (std::size_t row = 0; row < holders.rows(); ++row) {
    found += row == 0 ? "" : "; ";
    if (holders.is_null(row, 0)) {
      found += fmt::format("the prepared transaction '{}' (COMMIT PREPARED or ROLLBACK PREPARED ends it)",
                           holders.bytes(row, 1));
    } else {
      found += fmt::format("pid {0} ({1}, {2} for {3} s: {4}; SELECT pg_terminate_backend({0}) ends it)",
                           holders.bytes(row, 0), holders.bytes(row, 2), holders.bytes(row, 3), holders.bytes(row, 4),
                           base::clean_text(holders.bytes(row, 5), kShownStatementBytes));
    }
  }
  return found.empty() ? "a transaction that has ended meanwhile" : found;
}

} // namespace projector::projection
