#include "projection/checkpoint.hpp"

#include "pg/transaction.hpp"
#include "projection/bounded_statement.hpp"
#include "projection/checkpoint_conflict.hpp"
#include "projection/checkpoint_refusal.hpp"
#include "projection/core_segments.hpp"
#include "projection/moved_rows.hpp"
#include "projection/stored_rows.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

/// Reads wait only for a transaction that has locked a whole table against them.
constexpr base::Duration kLookLockTimeout = std::chrono::seconds(1);

CheckpointKey sibling(const CheckpointKey& key, std::uint32_t partition) {
  return {key.base, partition, key.partitions};
}

/// Inserts the rows of all partitions at once, so that all of them start at one position.
void make_rows(pg::Connection& connection, const CheckpointTables& tables, const CheckpointRequest& request,
               const MirroredPositions& taken_over) {
  connection.exec(fmt::format("INSERT INTO {} (checkpoint, projection, plugin, partitions, read_model_version, store)"
                              " VALUES ($1, $2, $3, $4, $5, $6)",
                              tables.projections),
                  pg::Parameters{}
                      .text(request.key.base)
                      .text(request.projection)
                      .text(request.plugin)
                      .int4(static_cast<std::int32_t>(request.key.partitions))
                      .int8(request.read_model_version)
                      .text(request.store));
  std::vector<std::string> names;
  std::vector<std::int64_t> partitions;
  std::vector<std::int64_t> positions;
  for (std::uint32_t partition = 0; partition < request.key.partitions; ++partition) {
    names.push_back(sibling(request.key, partition).name());
    partitions.push_back(partition);
    const auto found = taken_over.find(names.back());
    positions.push_back(found == taken_over.end() ? *request.start_position : found->second);
  }
  connection.exec(
      fmt::format("INSERT INTO {} (name, checkpoint, partition, position, highest)"
                  " SELECT name, $4, partition, position, position"
                  " FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS t(name, partition, position)"
                  " ON CONFLICT (name) DO UPDATE SET checkpoint = excluded.checkpoint,"
                  " partition = excluded.partition, position = excluded.position",
                  tables.checkpoints),
      pg::Parameters{}.text_array(names).int8_array(partitions).int8_array(positions).text(request.key.base, 25));
  connection.exec(fmt::format("INSERT INTO {} (projection_name, last_global_position)"
                              " SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING",
                              tables.mirror),
                  pg::Parameters{}.text_array(names).int8_array(positions));
}

/// Whether the read model is to be emptied before this plugin goes on. A request that a plugin without reset cannot
/// serve changes nothing.
bool must_reset(const ProjectionRow& stored, const CheckpointRequest& request) {
  const bool requested = request.rebuild.requested && request.rebuild.resettable && stored.rebuild_requested > 0;
  return requested || stored.read_model_version != request.read_model_version;
}

/// One of the two rows of a partition is missing: somebody deleted it, which asks for a new start.
void start_anew(pg::Connection& connection, const CheckpointTables& tables, const CheckpointRequest& request) {
  const std::string name = request.key.name();
  connection.exec(fmt::format("INSERT INTO {} (name, checkpoint, partition, position, highest) VALUES ($1, $2, $3, $4, "
                              "$4) ON CONFLICT (name) DO UPDATE SET position = excluded.position",
                              tables.checkpoints),
                  pg::Parameters{}
                      .text(name)
                      .text(request.key.base)
                      .int4(static_cast<std::int32_t>(request.key.partition))
                      .int8(*request.start_position));
  connection.exec(fmt::format("INSERT INTO {} (projection_name, last_global_position) VALUES ($1, $2) ON CONFLICT "
                              "(projection_name) DO UPDATE SET last_global_position = excluded.last_global_position, "
                              "updated_at = now()",
                              tables.mirror),
                  pg::Parameters{}.text(name).int8(*request.start_position));
}

struct BothRows {
  Checkpoint checkpoint;
  std::int64_t mirrored = 0;
};

/// The host's row and the mirrored one in one snapshot, since a live worker moves both at any time. Nothing where one
/// is missing.
std::optional<BothRows> read_both(pg::Connection& connection, const CheckpointTables& tables,
                                  const CheckpointKey& key) {
  const auto row = connection.exec(fmt::format("SELECT c.position, c.highest, p.epoch, m.last_global_position FROM {} c"
                                               " JOIN {} p ON p.checkpoint = $2 JOIN {} m ON m.projection_name = c.name"
                                               " WHERE c.name = $1",
                                               tables.checkpoints, tables.projections, tables.mirror),
                                   pg::Parameters{}.text(key.name()).text(key.base));
  if (row.rows() == 0) {
    return std::nullopt;
  }
  return BothRows{{row.int8(0, 0), row.int8(0, 1), row.int8(0, 2), false}, row.int8(0, 3)};
}

/// All that the tables hold about a partition and its siblings.
struct StoredRows {
  std::optional<ProjectionRow> projection;
  MirroredPositions mirror;
  std::optional<CoreSegments> core; ///< read only where the host has no row of its own
  std::optional<BothRows> partition;
  std::vector<MovedRow> moved; ///< read only where the partition's own row was moved
};

StoredRows read_rows(pg::Connection& connection, const CheckpointTables& tables, const CheckpointKey& key) {
  StoredRows rows;
  rows.projection = read_projection(connection, tables, key.base);
  for (const auto& row : read_mirrored_rows(connection, tables, key.base)) {
    rows.mirror.emplace(row.name, row.position);
  }
  if (rows.projection) {
    rows.partition = read_both(connection, tables, key);
    if (rows.partition && rows.partition->checkpoint.position != rows.partition->mirrored) {
      rows.moved = read_moved_rows(connection, tables, key.base);
    }
  } else {
    rows.core = read_core_segments(connection, key.base);
  }
  return rows;
}

struct Decision {
  OpenedCheckpoint opened = {}; ///< as it will be once the rows are written
  enum class Write { Nothing, AllPartitions, ThisPartition };
  Write write = Write::Nothing;
};

Decision refused(std::string refusal) {
  return {.opened = {.refusal = std::move(refusal)}};
}

/// What a worker that starts has to do, given these rows.
Decision decide(const CheckpointTables& tables, const CheckpointRequest& request, const StoredRows& rows) {
  using Next = OpenedCheckpoint::Next;
  const bool known = rows.projection.has_value();
  const bool fresh = !known && rows.mirror.empty();
  auto refusal =
      known ? refuse_projection(*rows.projection, request) : refuse_core(tables, request, rows.core, rows.mirror);
  if (refusal.empty() && !known && !fresh) {
    refusal = refuse_siblings(tables, request, rows.mirror);
  }
  if (!refusal.empty()) {
    return refused(std::move(refusal));
  }
  const bool reset = known && must_reset(*rows.projection, request);
  if (reset && !request.rebuild.leads) {
    return {.opened = {.next = Next::Wait}};
  }
  Decision decision;
  Checkpoint checkpoint;
  if (known && rows.partition) {
    checkpoint = rows.partition->checkpoint;
    if (rows.partition->mirrored != checkpoint.position) {
      return refused(refuse_moved(
          tables, {.name = request.key.name(), .position = checkpoint.position, .mirrored = rows.partition->mirrored},
          rows.moved));
    }
  } else if (!known && !fresh) {
    decision.write = Decision::Write::AllPartitions;
    checkpoint.position = rows.mirror.at(request.key.name());
  } else if (!request.start_position) {
    return {.opened = {.next = Next::NeedStart}};
  } else {
    decision.write = known ? Decision::Write::ThisPartition : Decision::Write::AllPartitions;
    checkpoint.position = *request.start_position;
  }
  if (checkpoint.position > request.store_last && !reset) {
    const auto position = checkpoint.position;
    return {.opened = {.refusal = refuse_position(tables, request, position, fresh), .above_store = position}};
  }
  checkpoint.fresh = fresh;
  decision.opened.checkpoint = checkpoint;
  decision.opened.next = reset ? Next::Reset : Next::Continue;
  return decision;
}

OpenedCheckpoint open_in_transaction(pg::Connection& connection, const CheckpointTables& tables,
                                     const CheckpointRequest& request) {
  connection.exec(fmt::format("SELECT FROM {} WHERE checkpoint = $1 FOR UPDATE", tables.projections),
                  pg::Parameters{}.text(request.key.base));
  const auto rows = read_rows(connection, tables, request.key);
  auto refusal = refuse_going_back(connection, tables, request, rows.projection);
  if (refusal.empty()) {
    refusal = refuse_shared_tables(connection, tables, request);
  }
  if (!refusal.empty()) {
    return {.refusal = std::move(refusal)};
  }
  auto decision = decide(tables, request, rows);
  if (decision.write == Decision::Write::Nothing) {
    if (decision.opened.checkpoint) {
      write_description(connection, tables, request);
    }
    return decision.opened;
  }
  if (decision.write == Decision::Write::AllPartitions) {
    make_rows(connection, tables, request, rows.mirror);
  } else {
    start_anew(connection, tables, request);
  }
  write_description(connection, tables, request);
  const auto written = read_both(connection, tables, request.key);
  const bool fresh = decision.opened.checkpoint->fresh;
  decision.opened.checkpoint = written->checkpoint;
  decision.opened.checkpoint->fresh = fresh;
  return decision.opened;
}

} // namespace

std::string CheckpointKey::name() const {
  return partitions == 1 ? base : fmt::format("{}_p{}", base, partition);
}

void lock_projection(pg::Connection& connection, const std::string& base) {
  connection.exec(kLockProjection, pg::Parameters{}.text(base));
}

OpenedCheckpoint open_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                 const CheckpointRequest& request) {
  pg::Transaction transaction(connection, "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; "
                                          "SET LOCAL lock_timeout = '2s'");
  lock_projection(connection, request.key.base);
  auto opened = open_in_transaction(connection, tables, request);
  if (opened.checkpoint) {
    transaction.commit();
  }
  return opened;
}

OpenedCheckpoint look_at_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                    CheckpointRequest request) {
  const pg::Transaction transaction(connection, pg::kBeginReading);
  const auto rows = read_rows(connection, tables, request.key);
  request.rebuild.requested = rows.projection && rows.projection->rebuild_requested > 0;
  return decide(tables, request, rows).opened;
}

std::optional<Checkpoint> read_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                          const CheckpointKey& key) {
  const auto row = exec_bounded(connection, kLookLockTimeout,
                                fmt::format("SELECT c.position, c.highest, p.epoch FROM {} c JOIN {} p ON "
                                            "p.checkpoint = $2 WHERE c.name = $1",
                                            tables.checkpoints, tables.projections),
                                pg::Parameters{}.text(key.name()).text(key.base));
  if (row.rows() == 0) {
    return std::nullopt;
  }
  return Checkpoint{row.int8(0, 0), row.int8(0, 1), row.int8(0, 2), false};
}

std::optional<Checkpoint> read_checkpoint_at_rest(pg::Connection& connection, const CheckpointTables& tables,
                                                  const CheckpointKey& key) {
  const pg::Transaction transaction(connection, "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'");
  // The lock is taken by a statement of its own, so that the next one's snapshot sees what its holder committed.
  connection.exec(fmt::format("SELECT FROM {} WHERE name = $1 FOR SHARE", tables.checkpoints),
                  pg::Parameters{}.text(key.name()));
  return read_checkpoint(connection, tables, key);
}

std::vector<std::string> other_hosts(pg::Connection& connection, const CheckpointTables& tables,
                                     const CheckpointKey& key, const std::string& host, base::Duration interval) {
  const auto rows = exec_bounded(
      connection, kLookLockTimeout,
      fmt::format("SELECT host FROM {} WHERE name = $1 AND host <> $2 AND state IN ('catching_up', 'live', 'retrying') "
                  "AND heartbeat > now() - $3 * interval '1 microsecond' ORDER BY heartbeat DESC",
                  tables.workers),
      pg::Parameters{}.text(key.name()).text(host).int8(interval.count()));
  std::vector<std::string> hosts;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    hosts.emplace_back(rows.bytes(row, 0));
  }
  return hosts;
}

} // namespace projector::projection
