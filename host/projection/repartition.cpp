#include "projection/repartition.hpp"

#include "plugin/text.hpp"
#include "projection/checkpoint.hpp"
#include "projection/repartition_rows.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

constexpr std::size_t kShownStatementBytes = 120;

/// Who shows life, by host.
std::string running_workers(pg::Connection& connection, const CheckpointTables& tables,
                            const RepartitionRequest& request, const PartitionNames& names) {
  const auto hosts = connection.exec(
      fmt::format(
          "SELECT host, string_agg(partition::text, ', ' ORDER BY partition), string_agg(DISTINCT state, ', '), "
          "to_char(min(greatest(extract(epoch FROM clock_timestamp() - heartbeat), 0)), 'FM990.0') FROM {} "
          "WHERE name = ANY ($1::text[]) AND host <> $2 AND state NOT IN ('stopped', 'missing', 'refused') "
          "AND heartbeat > clock_timestamp() - $3 * interval '1 microsecond' GROUP BY host ORDER BY host",
          tables.workers),
      pg::Parameters{}.text_array(names.all()).text(request.own_host).int8(request.heartbeat_limit.count()));
  std::string found;
  for (std::size_t row = 0; row < hosts.rows(); ++row) {
    found += fmt::format("{}host {} (partition {}, {}, {} s ago)", row == 0 ? "" : ", ", hosts.bytes(row, 0),
                         hosts.bytes(row, 1), hosts.bytes(row, 2), hosts.bytes(row, 3));
  }
  return found;
}

/// Who holds what the transaction that has just given up waited for. Rows show the last locker only, and only one that
/// is alone; a transaction that has ended meanwhile is not found either.
std::string lock_holders(pg::Connection& connection, const CheckpointTables& tables, const std::string& base,
                         const PartitionNames& names) {
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
      pg::Parameters{}.text(base, 25).text_array(names.all()));
  std::string found;
  for (std::size_t row = 0; row < holders.rows(); ++row) {
    found += row == 0 ? "" : "; ";
    if (holders.is_null(row, 0)) {
      found += fmt::format("the prepared transaction '{}' (COMMIT PREPARED or ROLLBACK PREPARED ends it)",
                           holders.bytes(row, 1));
    } else {
      found += fmt::format("pid {0} ({1}, {2} for {3} s: {4}; SELECT pg_terminate_backend({0}) ends it)",
                           holders.bytes(row, 0), holders.bytes(row, 2), holders.bytes(row, 3), holders.bytes(row, 4),
                           plugin::clean_text(holders.bytes(row, 5), kShownStatementBytes));
    }
  }
  return found.empty() ? "a transaction that cannot be told any more" : found;
}

/// Everything but BEGIN and COMMIT; `change` is false for a look.
Repartition run(pg::Connection& connection, const CheckpointTables& tables, const RepartitionRequest& request,
                bool change) {
  Repartition answer;
  const auto projection =
      connection.exec(fmt::format("SELECT partitions, read_model_version FROM {} WHERE checkpoint = $1{}",
                                  tables.projections, change ? " FOR UPDATE" : ""),
                      pg::Parameters{}.text(request.checkpoint));
  if (projection.rows() == 0) {
    answer.refusal = fmt::format("{} has no checkpoint yet: set partitions = {} in its configuration and start it",
                                 request.projection, request.to);
    return answer;
  }
  answer.read_model_version = projection.int8(0, 1);
  const PartitionNames names(request.checkpoint, static_cast<std::uint32_t>(projection.int8(0, 0)), request.to);
  if (names.from() == request.to) {
    answer.refusal = fmt::format("{} has partitions = {} already", request.projection, request.to);
    return answer;
  }
  if (const auto running = running_workers(connection, tables, request, names); !running.empty()) {
    answer.refusal = fmt::format("{0} runs: {1}; end its workers (stop the host, or set enabled = false in "
                                 "[projection.{0}]) and run this again when \"projectorctl status\" shows none, or {2} "
                                 "s after the last sign of life of a host that was killed",
                                 request.projection, running,
                                 std::chrono::duration_cast<std::chrono::seconds>(request.heartbeat_limit).count());
    return answer;
  }
  const auto stored = read_rows(connection, tables, names, change);
  if (!stored.refusal.empty()) {
    answer.refusal = stored.refusal;
    return answer;
  }
  answer.before = stored.partitions;
  answer.plan = plan_repartition(answer.before, request.to);
  if (change && answer.plan.behind.empty()) {
    write_rows(connection, tables, names, answer.plan.after);
    answer.done = true;
  }
  return answer;
}

/// The names before and after, as far as they can be told without a lock.
PartitionNames names_now(pg::Connection& connection, const CheckpointTables& tables,
                         const RepartitionRequest& request) {
  const auto row = connection.exec(fmt::format("SELECT partitions FROM {} WHERE checkpoint = $1", tables.projections),
                                   pg::Parameters{}.text(request.checkpoint));
  return {request.checkpoint, row.rows() == 0 ? request.to : static_cast<std::uint32_t>(row.int8(0, 0)), request.to};
}

} // namespace

Repartition look_at_repartition(pg::Connection& connection, const CheckpointTables& tables,
                                const RepartitionRequest& request) {
  connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  auto answer = run(connection, tables, request, false);
  connection.exec("ROLLBACK");
  return answer;
}

Repartition repartition(pg::Connection& connection, const CheckpointTables& tables, const RepartitionRequest& request) {
  try {
    connection.script(fmt::format("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; SET LOCAL "
                                  "lock_timeout = '{}us'",
                                  request.lock_timeout.count()));
    // As in open_checkpoint, and before every row, as all who take more than one of them do.
    lock_projection(connection, request.checkpoint);
    auto answer = run(connection, tables, request, true);
    connection.exec(answer.done ? "COMMIT" : "ROLLBACK");
    return answer;
  } catch (const pg::Error& error) {
    if (error.connection_lost()) {
      throw;
    }
    connection.exec("ROLLBACK");
    if (!error.is("55P03")) {
      throw;
    }
  }
  Repartition answer;
  answer.refusal = fmt::format(
      "the checkpoints of {} are locked by {}; nothing was changed: run this again when that "
      "transaction has ended",
      request.projection, lock_holders(connection, tables, request.checkpoint, names_now(connection, tables, request)));
  return answer;
}

} // namespace projector::projection
