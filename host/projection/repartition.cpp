#include "projection/repartition.hpp"

#include "pg/transaction.hpp"
#include "projection/checkpoint.hpp"
#include "projection/projection_users.hpp"
#include "projection/repartition_rows.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

/// All statements between BEGIN and COMMIT; with `change` false nothing is written.
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
  if (const auto running = running_workers(connection, tables, names.all(), request.own_host, request.heartbeat_limit);
      !running.empty()) {
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

/// The names before and after, as read without a lock.
PartitionNames names_now(pg::Connection& connection, const CheckpointTables& tables,
                         const RepartitionRequest& request) {
  const auto row = connection.exec(fmt::format("SELECT partitions FROM {} WHERE checkpoint = $1", tables.projections),
                                   pg::Parameters{}.text(request.checkpoint));
  return {request.checkpoint, row.rows() == 0 ? request.to : static_cast<std::uint32_t>(row.int8(0, 0)), request.to};
}

} // namespace

Repartition look_at_repartition(pg::Connection& connection, const CheckpointTables& tables,
                                const RepartitionRequest& request) {
  const pg::Transaction transaction(connection, pg::kBeginReading);
  return run(connection, tables, request, false);
}

Repartition repartition(pg::Connection& connection, const CheckpointTables& tables, const RepartitionRequest& request) {
  try {
    pg::Transaction transaction(connection,
                                fmt::format("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; "
                                            "SET LOCAL lock_timeout = '{}us'",
                                            request.lock_timeout.count()));
    // As in open_checkpoint, and before every row, as all who take more than one of them do.
    lock_projection(connection, request.checkpoint);
    auto answer = run(connection, tables, request, true);
    if (answer.done) {
      transaction.commit();
    }
    return answer;
  } catch (const pg::Error& error) {
    if (error.connection_lost() || !error.is("55P03")) {
      throw;
    }
  }
  Repartition answer;
  answer.refusal =
      fmt::format("the checkpoints of {} are locked by {}; nothing was changed: run this again when that "
                  "transaction has ended",
                  request.projection,
                  lock_holders(connection, tables, request.checkpoint, names_now(connection, tables, request).all()));
  return answer;
}

} // namespace projector::projection
