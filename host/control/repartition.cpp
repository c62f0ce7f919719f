#include "control/repartition.hpp"

#include "base/temporary_directory.hpp"
#include "control/find_projection.hpp"
#include "control/plugin_check.hpp"
#include "control/repartition_drain.hpp"
#include "control/repartition_text.hpp"
#include "control/status.hpp"
#include "projection/repartition.hpp"
#include "supervisor/signals.hpp"

#include <fmt/format.h>

#include <optional>

namespace projector::control {
namespace {

RepartitionAnswer refused(const std::string& text) {
  return {false, text + "\n"};
}

/// Why the plugin cannot bring partitions forward; empty if it can.
std::string refuse_plugin(const supervisor::DesiredProjection& wanted, std::int64_t read_model_version) {
  const auto& projection = wanted.projection;
  const std::string needed =
      fmt::format("partitions of {} are not level, and its plugin must handle what they lack: ", projection.name);
  if (!wanted.plugin) {
    return needed + fmt::format("no plugin directory holds {}.so", projection.plugin);
  }
  const PluginCheck check = check_plugin(wanted.plugin->file, {projection});
  if (!check.refusal.empty()) {
    return needed + check.refusal;
  }
  if (const auto problems = check.settings.find(projection.name); problems != check.settings.end()) {
    return needed + config::to_string(problems->second.front());
  }
  if (check.read_model_version != read_model_version) {
    return needed + fmt::format("{} makes version {} of the read model, version {} is stored; put the plugin of "
                                "version {} back, or let the read model be rebuilt first",
                                wanted.plugin->file.string(), check.read_model_version, read_model_version,
                                read_model_version);
  }
  return {};
}

/// One run of the command.
class Command {
public:
  Command(const config::Configuration& configuration, const RepartitionOptions& options,
          const std::function<void(const std::string&)>& report_progress, supervisor::DesiredProjection wanted)
      : configuration_(configuration), options_(options), report_progress_(report_progress),
        wanted_(std::move(wanted)) {
    connect_.dsn = configuration.read_model.dsn;
    connect_.application_name = "projectorctl";
    request_.projection = wanted_.projection.name;
    request_.checkpoint = wanted_.projection.checkpoint;
    request_.to = options.to;
    request_.own_host = drain_host();
    request_.heartbeat_limit = kHeartbeatLimit;
  }

  RepartitionAnswer run();

private:
  RepartitionAnswer change(const projection::Repartition& seen, const base::Stop& stop);
  Drain bring_level(const projection::Repartition& seen, const base::Stop& stop);

  const config::Configuration& configuration_;
  const RepartitionOptions& options_;
  const std::function<void(const std::string&)>& report_progress_;
  supervisor::DesiredProjection wanted_;
  pg::ConnectOptions connect_;
  projection::RepartitionRequest request_;
  projection::CheckpointTables tables_;
};

RepartitionAnswer Command::run() {
  projection::Repartition seen;
  {
    pg::Connection connection(connect_, base::no_stop());
    const auto tables = projection::find_tables(connection, configuration_.read_model.checkpoints_table);
    if (!tables) {
      return refused(fmt::format("{} has no checkpoint yet: set partitions = {} in its configuration and start it",
                                 options_.projection, options_.to));
    }
    tables_ = *tables;
    seen = projection::look_at_repartition(connection, tables_, request_);
  }
  if (!seen.refusal.empty()) {
    return refused(seen.refusal);
  }
  if (!seen.plan.behind.empty()) {
    if (auto refusal = refuse_plugin(wanted_, seen.read_model_version); !refusal.empty()) {
      return refused(refusal);
    }
  }
  if (options_.dry_run) {
    return {true, dry_run_text(wanted_.projection, seen)};
  }
  const supervisor::SignalThread signals;
  try {
    return change(seen, signals.stop());
  } catch (const pg::Interrupted&) {
    return refused("interrupted: run this again, it goes on from where the checkpoints stand");
  }
}

RepartitionAnswer Command::change(const projection::Repartition& seen, const base::Stop& stop) {
  std::uint64_t handled = 0;
  if (!seen.plan.behind.empty()) {
    // A transaction that holds a row lock, such as a suspended host's, would block the plugin for ever.
    pg::Connection connection(connect_, stop);
    const auto now = projection::repartition(connection, tables_, request_);
    if (!now.refusal.empty()) {
      return refused(now.refusal);
    }
    if (now.done) {
      return {true, done_text(wanted_.projection, seen, now, 0)};
    }
    report_progress_(behind_text(wanted_.projection, seen));
    const auto drained = bring_level(seen, stop);
    if (drained.interrupted || !drained.failure.empty()) {
      return refused(fmt::format("{}; {} events were handled and stay so, the partition count is as it was; {}run this "
                                 "again to go on",
                                 drained.interrupted ? "interrupted" : drained.failure, drained.handled,
                                 drained.interrupted ? "" : "cure that, then "));
    }
    handled = drained.handled;
  }
  pg::Connection connection(connect_, stop);
  const auto result = projection::repartition(connection, tables_, request_);
  if (!result.refusal.empty()) {
    return refused(result.refusal);
  }
  if (!result.done) {
    return refused(fmt::format("the checkpoints of {} were moved meanwhile; nothing was changed: end what moves them, "
                               "then run this again",
                               options_.projection));
  }
  return {true, done_text(wanted_.projection, seen, result, handled)};
}

/// With the stored partition count, since the configuration may have the new one already.
Drain Command::bring_level(const projection::Repartition& seen, const base::Stop& stop) {
  const base::TemporaryDirectory staging("projectorctl");
  auto wanted = wanted_;
  wanted.partitions.clear();
  for (const auto& one : seen.plan.behind) {
    wanted.partitions.push_back(one.partition);
  }
  wanted.projection.partitions = static_cast<std::uint32_t>(seen.before.size());
  auto launch =
      supervisor::prepare_launch(wanted, {staging.path(), configuration_.plugins.state}, plugin::RunnerHost{}, 1);
  if (!launch.generation) {
    return {0, false, launch.refusal};
  }
  return drain(configuration_, *launch.generation, seen.plan.behind, stop);
}

} // namespace

RepartitionAnswer repartition(const config::Loaded& loaded, const RepartitionOptions& options,
                              const std::function<void(const std::string&)>& report_progress) {
  auto found = find_projection(*loaded.configuration, options.projection);
  if (!found.wanted) {
    return refused(found.refusal);
  }
  return Command(*loaded.configuration, options, report_progress, std::move(*found.wanted)).run();
}

} // namespace projector::control
