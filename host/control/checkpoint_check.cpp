#include "control/checkpoint_check.hpp"

#include "eventlog/event_log.hpp"
#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"
#include "pg/transaction.hpp"
#include "projection/checkpoint.hpp"
#include "projection/stored_rows.hpp"

#include <algorithm>
#include <optional>

namespace projector::control {
namespace {

eventlog::Store ask_event_store(const config::EventStore& configured, const base::Stop& stop) {
  pg::ConnectOptions options;
  options.dsn = configured.dsn;
  options.application_name = "projectorctl";
  pg::Connection connection(options, stop);
  const pg::Transaction transaction(connection, eventlog::begin_reading());
  return eventlog::check_store(connection, configured.events_table);
}

std::optional<std::int64_t> start_position(const config::StartFrom& from) {
  switch (from.kind) {
  case config::StartFrom::Kind::Beginning:
    return 0;
  case config::StartFrom::Kind::Position:
    return from.position;
  case config::StartFrom::Kind::End:
    break;
  }
  return std::nullopt;
}

void check_one(pg::Connection& connection, const projection::CheckpointTables& tables, const eventlog::Store& store,
               const config::Projection& projection, CheckedProjection& checked) {
  projection::CheckpointRequest request;
  request.projection = projection.name;
  request.plugin = projection.plugin;
  request.read_model_version = checked.read_model_version;
  request.store = store.identity.store;
  request.store_last = store.last_value;
  request.start_position = start_position(projection.start_from);
  request.rebuild.automatic = projection.rebuild == config::Rebuild::Automatic;
  request.rebuild.resettable = checked.resettable;
  for (std::uint32_t partition = 0; partition < projection.partitions; ++partition) {
    request.key = {projection.checkpoint, partition, projection.partitions};
    const auto refusal = projection::look_at_checkpoint(connection, tables, request).refusal;
    const bool known = std::find(checked.problems.begin(), checked.problems.end(), refusal) != checked.problems.end();
    if (!refusal.empty() && !known) {
      checked.problems.push_back(refusal);
      checked.state = CheckedProjection::State::Refused;
    }
  }
}

} // namespace

void check_checkpoints(const config::Configuration& configuration, std::vector<CheckedProjection>& projections,
                       const base::Stop& stop) {
  try {
    const auto store = ask_event_store(configuration.event_store, stop);
    pg::ConnectOptions options;
    options.dsn = configuration.read_model.dsn;
    options.application_name = "projectorctl";
    pg::Connection connection(options, stop);
    const auto tables = projection::find_present_tables(connection, configuration.read_model.checkpoints_table);
    for (auto& checked : projections) {
      if (checked.state == CheckedProjection::State::Good) {
        const auto configured = configuration.projections.find(checked.name);
        check_one(connection, tables, store,
                  configured == configuration.projections.end() ? config::autostarted(configuration, checked.name)
                                                                : configured->second,
                  checked);
      }
    }
  } catch (const eventlog::StoreRefused&) {
    return;
  } catch (const pg::Error&) {
    return;
  }
}

} // namespace projector::control
