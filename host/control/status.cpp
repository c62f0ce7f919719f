#include "control/status.hpp"

#include "control/status_rows.hpp"
#include "control/store_lag.hpp"
#include "pg/transaction.hpp"
#include "projection/bounded_statement.hpp"
#include "projection/checkpoint_refusal.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/worker_status.hpp"
#include "supervisor/discovery.hpp"
#include "supervisor/reconcile.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace projector::control {
namespace {

std::string cell(const pg::Result& rows, std::size_t row, std::size_t column) {
  return std::string(rows.bytes(row, column));
}

std::uint32_t number(const pg::Result& rows, std::size_t row, std::size_t column) {
  return static_cast<std::uint32_t>(rows.int8(row, column));
}

ConfiguredProjection configured(const config::Projection& projection) {
  return {projection.name, projection.checkpoint, projection.partitions, projection.plugin, projection.enabled, {}};
}

std::vector<ConfiguredProjection> configured_projections(const config::Loaded& loaded) {
  std::vector<ConfiguredProjection> all;
  std::set<std::string> refused;
  for (const auto& file : loaded.refused) {
    for (const auto& name : file.projections) {
      if (!loaded.configuration->projections.contains(name) && refused.insert(name).second) {
        all.push_back({name, name, 1, "", true, config::to_string(file.problems)});
      }
    }
  }
  const config::Configuration& configuration = *loaded.configuration;
  for (const auto& [name, projection] : configuration.projections) {
    all.push_back(configured(projection));
  }
  for (const auto& file : loaded.refused) {
    refused.insert(file.plugins.begin(), file.plugins.end());
  }
  const auto desired =
      supervisor::desired_projections(configuration, supervisor::discover(configuration.plugins), {}, refused);
  for (const auto& [name, wanted] : desired) {
    if (!configuration.projections.contains(name)) {
      all.push_back(configured(wanted.projection));
    }
  }
  return all;
}

std::vector<StoredPartition> read_stored(pg::Connection& connection, const projection::CheckpointTables& tables) {
  const auto rows = connection.exec(fmt::format(
      "SELECT p.projection, p.checkpoint, k, p.partitions, p.plugin, c.position FROM {} p "
      "CROSS JOIN LATERAL generate_series(0, p.partitions - 1) k LEFT JOIN {} c "
      "ON c.name = p.checkpoint || CASE WHEN p.partitions = 1 THEN '' ELSE '_p' || k END ORDER BY p.checkpoint, k",
      tables.projections, tables.checkpoints));
  std::vector<StoredPartition> stored;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    stored.push_back({cell(rows, row, 0), cell(rows, row, 1), number(rows, row, 2), number(rows, row, 3),
                      cell(rows, row, 4), rows.is_null(row, 5) ? std::nullopt : std::optional(rows.int8(row, 5))});
  }
  return stored;
}

/// A number that the table of an earlier host lacks; then 0.
std::string optional(const char* column) {
  return fmt::format("coalesce((to_jsonb(w) ->> '{}')::bigint, 0)", column);
}

std::vector<ReportedPartition> read_reported(pg::Connection& connection, const projection::CheckpointTables& tables) {
  const auto rows = connection.exec(fmt::format(
      "SELECT name, projection, partition, partitions, state, reason, plugin, host, plugin_version, "
      "generation, thread, handled, "
      "(greatest(0, extract(epoch FROM clock_timestamp() - heartbeat)) * 1000000)::bigint, {}, {}, {}, {} "
      "FROM {} w ORDER BY name, host",
      optional("process"), optional("restarts"), optional("private_bytes"), optional("cpu_ms"), tables.workers));
  std::vector<ReportedPartition> reported;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    reported.push_back({cell(rows, row, 0),
                        cell(rows, row, 1),
                        number(rows, row, 2),
                        number(rows, row, 3),
                        cell(rows, row, 4),
                        cell(rows, row, 5),
                        cell(rows, row, 6),
                        {cell(rows, row, 7), cell(rows, row, 8), rows.int8(row, 9), rows.int8(row, 10),
                         rows.int8(row, 11), base::Duration(rows.int8(row, 12)), rows.int8(row, 13), rows.int8(row, 14),
                         rows.int8(row, 15), std::chrono::milliseconds(rows.int8(row, 16))}});
  }
  return reported;
}

/// Reads the event store's last position and fills in how far each partition is behind.
EventStoreStatus measure_lag(const config::EventStore& store, const base::Stop& stop,
                             std::vector<PartitionStatus>& partitions) {
  std::set<std::int64_t> positions;
  for (const auto& status : partitions) {
    if (status.position) {
      positions.insert(*status.position);
    }
  }
  const StoreLag lag = read_store_lag(store, {positions.begin(), positions.end()}, stop);
  if (lag.last_position) {
    for (auto& status : partitions) {
      if (status.position) {
        status.lag = std::max<std::int64_t>(0, *lag.last_position - *status.position);
        status.behind = lag.behind.at(*status.position);
      }
    }
  }
  return {lag.last_position, lag.trouble};
}

void read_partitions(pg::Connection& connection, const config::Loaded& loaded, Status& status) {
  // One snapshot, so that a checkpoint and its worker's report belong together.
  const pg::Transaction transaction(connection, std::string(pg::kBeginReading) + "; SET LOCAL lock_timeout = '5s'");
  const auto tables = projection::find_tables(connection, loaded.configuration->read_model.checkpoints_table);
  status.tables_present = tables.has_value();
  status.lacking = tables ? tables->lacking : std::vector<std::string>();
  status.partitions = merge_status(configured_projections(loaded),
                                   tables ? read_stored(connection, *tables) : std::vector<StoredPartition>(),
                                   tables ? read_reported(connection, *tables) : std::vector<ReportedPartition>());
}

/// Throws `error`; if a privilege is missing, with the GRANT for it.
void explain_missing_grant(pg::Connection& connection, const std::string& checkpoints_table, const pg::Error& error) {
  if (!error.is("42501")) {
    return;
  }
  const auto tables = projection::find_tables(connection, checkpoints_table);
  if (tables) {
    const auto role = connection.exec("SELECT quote_ident(current_user)");
    throw pg::Error(error.kind(), error.sqlstate(),
                    fmt::format("{}; run GRANT SELECT ON {}, {}, {} TO {} as their owner", error.what(),
                                tables->projections, tables->checkpoints, tables->workers, role.bytes(0, 0)));
  }
}

/// A host that cannot write its heartbeats, because the table is locked, looks like one that has ended.
void explain_silence(pg::Connection& connection, Status& status) {
  const auto silent = [](const PartitionStatus& partition) {
    return partition.worker && partition.worker->heartbeat_age > kHeartbeatLimit;
  };
  if (std::none_of(status.partitions.begin(), status.partitions.end(), silent)) {
    return;
  }
  const auto locks = projection::describe_table_locks(connection);
  for (auto& partition : status.partitions) {
    if (!locks.empty() && silent(partition)) {
      partition.reason += fmt::format("; hosts may be unable to write: {}", locks);
    }
  }
}

} // namespace

Status gather_status(const config::Loaded& loaded, const base::Stop& stop) {
  const config::Configuration& configuration = *loaded.configuration;
  Status status;
  {
    pg::ConnectOptions options;
    options.dsn = configuration.read_model.dsn;
    options.application_name = "projectorctl";
    pg::Connection connection(options, stop);
    try {
      projection::explaining_locks(connection,
                                   [&](pg::Connection& session) { read_partitions(session, loaded, status); });
    } catch (const pg::Error& error) {
      explain_missing_grant(connection, configuration.read_model.checkpoints_table, error);
      throw;
    }
    explain_silence(connection, status);
  }
  status.event_store = measure_lag(configuration.event_store, stop, status.partitions);
  return status;
}

std::string select_projection(Status& status, const std::string& projection) {
  std::vector<PartitionStatus> chosen;
  std::set<std::string> names;
  for (const auto& partition : status.partitions) {
    names.insert(partition.projection);
    if (partition.projection == projection) {
      chosen.push_back(partition);
    }
  }
  if (chosen.empty()) {
    return fmt::format("{} is no projection of this configuration and has never run here; known: {}", projection,
                       names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
  }
  status.partitions = std::move(chosen);
  return {};
}

int exit_code(const Status& status) {
  const auto bad = [](const PartitionStatus& partition) {
    const bool failed = partition.state == projection::to_string(projection::State::Failed);
    const bool refused = partition.state == projection::to_string(projection::State::Refused);
    return failed || (refused && !projection::waits_for_rebuild(partition.reason));
  };
  const bool any = std::any_of(status.partitions.begin(), status.partitions.end(), bad);
  return any || (status.tables_present && !status.event_store.trouble.empty()) ? 1 : 0;
}

} // namespace projector::control
