#include "projection/checkpoint.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace projector::projection {
namespace {

using Positions = std::map<std::string, std::int64_t>;

CheckpointKey sibling(const CheckpointKey& key, std::uint32_t partition) {
  return {key.base, partition, key.partitions};
}

/// Rows of the mirror table that belong to this projection, whatever its partition count was.
Positions read_mirror(pg::Connection& connection, const CheckpointTables& tables, const CheckpointKey& key) {
  const auto rows =
      connection.exec(fmt::format("SELECT projection_name, last_global_position FROM {} WHERE projection_name = $1 OR "
                                  "(left(projection_name, length($1) + 2) = $1 || '_p' AND "
                                  "substr(projection_name, length($1) + 3) ~ '^[0-9]+$')",
                                  tables.mirror),
                      pg::Parameters{}.text(key.base, 25));
  Positions positions;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    positions.emplace(rows.bytes(row, 0), rows.int8(row, 1));
  }
  return positions;
}

/// Why rows that some other program left cannot be continued with this partition count, or nothing.
std::string refuse_siblings(const Positions& mirror, const CheckpointKey& key) {
  std::set<std::string> wanted;
  for (std::uint32_t partition = 0; partition < key.partitions; ++partition) {
    wanted.insert(sibling(key, partition).name());
  }
  std::string found;
  bool same = mirror.size() == wanted.size();
  for (const auto& [name, position] : mirror) {
    found += (found.empty() ? "" : ", ") + name;
    same = same && wanted.contains(name);
  }
  if (same) {
    return {};
  }
  return fmt::format("checkpoints of another partition count exist: found {} ({} in all), expected {} for partitions = "
                     "{}; set partitions to the count that they were written with, or delete those rows to start anew",
                     found, mirror.size(),
                     key.partitions == 1 ? key.base : fmt::format("{0}_p0 to {0}_p{1}", key.base, key.partitions - 1),
                     key.partitions);
}

/// Makes the rows of all partitions at once, so that all of them start from one place.
void make_rows(pg::Connection& connection, const CheckpointTables& tables, const CheckpointRequest& request,
               const Positions& taken_over) {
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

/// Why the stored projection is not the one that is asked for, or nothing. `row` is of projector_projections.
std::string refuse_projection(const pg::Result& row, const CheckpointRequest& request) {
  if (const auto partitions = row.int8(0, 0); partitions != request.key.partitions) {
    return fmt::format("checkpoint {} was written with {} partitions, the configuration says {}; set partitions = {}, "
                       "or stop its workers and run \"projectorctl repartition {} --to {}\"",
                       request.key.base, partitions, request.key.partitions, partitions, request.projection,
                       request.key.partitions);
  }
  if (const auto store = row.bytes(0, 2); store != request.store) {
    return fmt::format("checkpoint {} belongs to another event store: found {}, this one is {} (system identifier/"
                       "database/table); point event_store.dsn at the old store, choose another `checkpoint`, or, if "
                       "this is a copy with the same positions, run: UPDATE projector_projections SET store = '{}' "
                       "WHERE checkpoint = '{}'",
                       request.key.base, store, request.store, request.store, request.key.base);
  }
  const auto version = row.int8(0, 3);
  if (version == request.read_model_version) {
    return {};
  }
  const std::string found = fmt::format("the read model of checkpoint {} is of version {}, plugin {} makes version {}",
                                        request.key.base, version, request.plugin, request.read_model_version);
  if (!request.rebuild.resettable) {
    return fmt::format("{} and has no reset to empty it with; put the plugin of version {} back, or give this one "
                       "another `checkpoint` and tables of its own",
                       found, version);
  }
  if (!request.rebuild.automatic && !request.rebuild.requested) {
    return fmt::format("{}; to rebuild it from the first event run \"projectorctl rebuild {}\" or set rebuild = "
                       "\"automatic\", else put the plugin of version {} back",
                       found, request.projection, version);
  }
  return {};
}

/// Whether the read model is to be emptied before this plugin goes on. A request that a plugin without reset cannot
/// serve changes nothing.
bool must_reset(const pg::Result& row, const CheckpointRequest& request) {
  const bool requested = request.rebuild.requested && request.rebuild.resettable && row.int8(0, 4) > 0;
  return requested || row.int8(0, 3) != request.read_model_version;
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

/// Why no event of this store can follow `position`.
std::string refuse_position(const CheckpointTables& tables, const CheckpointRequest& request, std::int64_t position,
                            bool fresh) {
  if (fresh) {
    return fmt::format("checkpoint {} would start at {}, above the last position {} of the event store; set start_from "
                       "to \"beginning\", \"end\" or a position of this store",
                       request.key.name(), position, request.store_last);
  }
  return fmt::format(
      "checkpoint {} stands at {}, above the last position {} of the event store: it belongs to another or "
      "an older store; point event_store.dsn at the right one, or delete the row from {} to start anew",
      request.key.name(), position, request.store_last, tables.mirror);
}

OpenedCheckpoint open_in_transaction(pg::Connection& connection, const CheckpointTables& tables,
                                     const CheckpointRequest& request) {
  using Next = OpenedCheckpoint::Next;
  const auto projection = connection.exec(
      fmt::format("SELECT partitions, epoch, store, read_model_version, rebuild_requested FROM {} WHERE "
                  "checkpoint = $1 FOR UPDATE",
                  tables.projections),
      pg::Parameters{}.text(request.key.base));
  const Positions mirror = read_mirror(connection, tables, request.key);
  bool fresh = false;
  if (projection.rows() == 0) {
    if (!mirror.empty()) {
      if (auto refusal = refuse_siblings(mirror, request.key); !refusal.empty()) {
        return {std::nullopt, refusal, {}, {}};
      }
    } else if (!request.start_position) {
      return {std::nullopt, {}, Next::NeedStart, {}};
    }
    make_rows(connection, tables, request, mirror);
    fresh = mirror.empty();
  } else if (auto refusal = refuse_projection(projection, request); !refusal.empty()) {
    return {std::nullopt, refusal, {}, {}};
  }
  const bool reset = projection.rows() > 0 && must_reset(projection, request);
  if (reset && !request.rebuild.leads) {
    return {std::nullopt, {}, Next::Wait, {}};
  }
  const std::string name = request.key.name();
  auto stored = read_both(connection, tables, request.key);
  if (!stored && !request.start_position) {
    return {std::nullopt, {}, Next::NeedStart, {}};
  }
  if (!stored) {
    start_anew(connection, tables, request);
    stored = read_both(connection, tables, request.key);
  }
  if (stored->mirrored != stored->checkpoint.position) {
    return {std::nullopt,
            fmt::format("checkpoint {} was moved by somebody else: {} says {}, this host's last position is {}; stop "
                        "the other program that writes it, then either run UPDATE {} SET last_global_position = {} "
                        "WHERE projection_name = '{}' or delete the row to start anew",
                        name, tables.mirror, stored->mirrored, stored->checkpoint.position, tables.mirror,
                        stored->checkpoint.position, name),
            {},
            {}};
  }
  if (const auto position = stored->checkpoint.position; position > request.store_last) {
    return {std::nullopt, refuse_position(tables, request, position, fresh), {}, position};
  }
  stored->checkpoint.fresh = fresh;
  return {stored->checkpoint, {}, reset ? Next::Reset : Next::Continue, {}};
}

} // namespace

std::string CheckpointKey::name() const {
  return partitions == 1 ? base : fmt::format("{}_p{}", base, partition);
}

OpenedCheckpoint open_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                 const CheckpointRequest& request) {
  connection.script("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on");
  connection.exec("SELECT pg_advisory_xact_lock(hashtext('projectord'), hashtext($1))",
                  pg::Parameters{}.text(request.key.base));
  OpenedCheckpoint opened;
  try {
    opened = open_in_transaction(connection, tables, request);
  } catch (const pg::Error& error) {
    if (!error.connection_lost()) {
      connection.exec("ROLLBACK");
    }
    throw;
  }
  connection.exec(opened.checkpoint ? "COMMIT" : "ROLLBACK");
  return opened;
}

std::optional<Checkpoint> read_checkpoint(pg::Connection& connection, const CheckpointTables& tables,
                                          const CheckpointKey& key) {
  const auto row = connection.exec(fmt::format("SELECT c.position, c.highest, p.epoch FROM {} c JOIN {} p ON "
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
  connection.script("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'");
  try {
    // The lock in a statement of its own: the next one's snapshot then sees what its holder committed.
    connection.exec(fmt::format("SELECT FROM {} WHERE name = $1 FOR SHARE", tables.checkpoints),
                    pg::Parameters{}.text(key.name()));
    const auto checkpoint = read_checkpoint(connection, tables, key);
    connection.exec("COMMIT");
    return checkpoint;
  } catch (const pg::Error& error) {
    if (!error.connection_lost()) {
      connection.exec("ROLLBACK");
    }
    throw;
  }
}

std::vector<std::string> other_hosts(pg::Connection& connection, const CheckpointTables& tables,
                                     const CheckpointKey& key, const std::string& host, base::Duration interval) {
  const auto rows = connection.exec(
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
