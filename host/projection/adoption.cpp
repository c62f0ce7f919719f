#include "projection/adoption.hpp"

#include "pg/quote.hpp"
#include "pg/transaction.hpp"
#include "projection/checkpoint.hpp"
#include "projection/checkpoint_refusal.hpp"
#include "projection/projection_users.hpp"
#include "projection/repartition_rows.hpp"
#include "projection/stored_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::projection {
namespace {

/// The same limit as of the status: an older heartbeat is no sign of life.
constexpr base::Duration kHeartbeatLimit = std::chrono::seconds(5);

std::vector<std::string> names_of(const AdoptionPlan& plan) {
  std::vector<std::string> names;
  for (const auto& one : plan.partitions) {
    names.push_back(one.name);
  }
  for (const auto& row : plan.surplus) {
    names.push_back(row.name);
  }
  return names;
}

std::string refuse_owned(const CoreSegments& core, const std::string& consumer) {
  for (const auto& segment : core.segments) {
    if (!segment.owner.empty()) {
      return fmt::format("segment {} of {} in {} is owned by worker {}: end that library's workers and run this again; "
                         "where one was killed, run UPDATE {} SET owner_id = NULL WHERE consumer_name = {} first",
                         segment.id, consumer, core.table, segment.owner, core.table, pg::quote_literal(consumer));
    }
  }
  return {};
}

/// With `core` the rows of the mirror table may only be those of this host: they would be overwritten unread.
std::string refuse_mirror(const CheckpointTables& tables, const AdoptionRequest& request, const CoreSegments& core,
                          const std::vector<ForeignRow>& mirrored, const std::optional<OwnRows>& own) {
  std::string names;
  for (const auto& row : mirrored) {
    const bool ours = own && own->positions.contains(row.name) && own->positions.at(row.name) == row.position;
    names += ours ? "" : (names.empty() ? "" : ", ") + pg::quote_literal(row.name);
  }
  if (names.empty()) {
    return {};
  }
  return fmt::format(
      "both {} and {} have rows of {}; where {} is to count, run DELETE FROM {} WHERE projection_name IN "
      "({}) and this again, else leave --from out",
      core.table, tables.mirror, request.checkpoint, core.table, tables.mirror, names);
}

AdoptionPlan look(pg::Connection& connection, const CheckpointTables& tables, const AdoptionRequest& request,
                  const AdoptedProjection& projection, const std::optional<CoreSegments>& core, bool lock) {
  AdoptionPlan refused;
  if (const auto stored = read_projection(connection, tables, request.checkpoint)) {
    refused.refusal = refuse_store(*stored, request.checkpoint, projection.store);
  }
  const auto own = read_own_rows(connection, tables, request.checkpoint, lock);
  auto found = read_mirrored_rows(connection, tables, request.checkpoint, lock);
  if (core && refused.refusal.empty()) {
    refused.refusal = refuse_owned(*core, request.checkpoint);
    if (refused.refusal.empty()) {
      refused.refusal = refuse_mirror(tables, request, *core, found, own);
    }
    found = foreign_rows(*core, request.checkpoint, request.partitions);
  }
  for (const auto& row : found) {
    if (refused.refusal.empty() && row.position > projection.store_last) {
      refused.refusal = fmt::format("{} says {} for {}, above the last position {} of the event store: it belongs to "
                                    "another or an older store; point event_store.dsn at the right one",
                                    request.table, row.position, row.name, projection.store_last);
    }
  }
  if (!refused.refusal.empty()) {
    return refused;
  }
  auto plan = plan_adoption(request, found, own);
  for (const auto& one : plan.partitions) {
    if (plan.refusal.empty() && one.position > projection.store_last) {
      plan.refusal = fmt::format("{} would start at {}, above the last position {} of the event store", one.name,
                                 one.position, projection.store_last);
    }
  }
  if (plan.refusal.empty() && !tables.workers.empty()) {
    if (const auto running = running_workers(connection, tables, names_of(plan), "", kHeartbeatLimit);
        !running.empty()) {
      plan.refusal = fmt::format("{0} runs: {1}; end its workers (stop the host, or set enabled = false in "
                                 "[projection.{0}]) and run this again",
                                 request.projection, running);
    }
  }
  return plan;
}

bool same_rows(const AdoptionPlan& a, const AdoptionPlan& b) {
  const auto same = [](const auto& one, const auto& other) {
    return one.name == other.name && one.found == other.found && one.own == other.own;
  };
  return std::equal(a.partitions.begin(), a.partitions.end(), b.partitions.begin(), b.partitions.end(), same) &&
         std::equal(a.surplus.begin(), a.surplus.end(), b.surplus.begin(), b.surplus.end(),
                    [](const ForeignRow& one, const ForeignRow& other) {
                      return one.name == other.name && one.position == other.position;
                    });
}

void write(pg::Connection& connection, const CheckpointTables& tables, const AdoptionRequest& request,
           const AdoptedProjection& projection, const AdoptionPlan& plan) {
  connection.exec(fmt::format("INSERT INTO {} (checkpoint, projection, plugin, partitions, read_model_version, store) "
                              "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (checkpoint) DO NOTHING",
                              tables.projections),
                  pg::Parameters{}
                      .text(request.checkpoint)
                      .text(request.projection)
                      .text(projection.plugin)
                      .int4(static_cast<std::int32_t>(request.partitions))
                      .int8(projection.read_model_version)
                      .text(projection.store));
  std::vector<std::string> surplus;
  for (const auto& row : plan.surplus) {
    surplus.push_back(row.name);
  }
  connection.exec(fmt::format("DELETE FROM {} WHERE projection_name = ANY ($1::text[])", tables.mirror),
                  pg::Parameters{}.text_array(surplus));
  std::vector<PartitionPosition> after;
  for (const auto& one : plan.partitions) {
    // Only what this host has handled is told to the plugin as repeated: the rest may come for the first time.
    after.push_back({one.partition, one.position, std::max(one.position, one.own.value_or(0))});
  }
  write_rows(connection, tables, PartitionNames(request.checkpoint, request.partitions, request.partitions), after);
}

} // namespace

AdoptionPlan look_at_adoption(pg::Connection& connection, const CheckpointTables& tables,
                              const AdoptionRequest& request, const AdoptedProjection& projection,
                              const std::optional<CoreSegments>& core) {
  const pg::Transaction transaction(connection, pg::kBeginReading);
  return look(connection, tables, request, projection, core, false);
}

std::string adopt(pg::Connection& connection, const CheckpointTables& tables, const AdoptionRequest& request,
                  const AdoptedProjection& projection, const std::optional<CoreSegments>& core,
                  const AdoptionPlan& plan, base::Duration lock_timeout) {
  try {
    pg::Transaction transaction(connection,
                                fmt::format("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; "
                                            "SET LOCAL lock_timeout = '{}us'",
                                            lock_timeout.count()));
    lock_projection(connection, request.checkpoint);
    const auto now = look(connection, tables, request, projection, core, true);
    auto refusal = now.refusal;
    if (refusal.empty() && !same_rows(now, plan)) {
      refusal = fmt::format("the rows of {} were moved meanwhile: end the program that moves them, then run this again",
                            request.checkpoint);
    }
    if (refusal.empty()) {
      write(connection, tables, request, projection, plan);
      transaction.commit();
    }
    return refusal;
  } catch (const pg::Error& error) {
    if (error.connection_lost() || !error.is("55P03")) {
      throw;
    }
  }
  return fmt::format(
      "the checkpoints of {} are locked by {}; nothing was changed: run this again when that transaction "
      "has ended",
      request.projection, lock_holders(connection, tables, request.checkpoint, names_of(plan)));
}

} // namespace projector::projection
