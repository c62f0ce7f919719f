#include "control/check.hpp"

#include "base/process_limits.hpp"
#include "control/checkpoint_check.hpp"
#include "control/database_check.hpp"
#include "control/plugin_check.hpp"
#include "supervisor/capacity.hpp"
#include "supervisor/configuration_findings.hpp"
#include "supervisor/discovery.hpp"
#include "supervisor/reconcile.hpp"
#include "supervisor/stores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace projector::control {
namespace {

using State = CheckedProjection::State;

supervisor::Desired desired_projections(const config::Loaded& loaded, const supervisor::Discovery& discovery) {
  std::set<std::string> refused;
  for (const auto& file : loaded.refused) {
    refused.insert(file.projections.begin(), file.projections.end());
    refused.insert(file.plugins.begin(), file.plugins.end());
  }
  return supervisor::desired_projections(*loaded.configuration, discovery, {}, refused);
}

/// All projections of the files and plugin directories, also disabled ones.
std::vector<config::Projection> wanted_projections(const config::Configuration& configuration,
                                                   const supervisor::Desired& desired) {
  std::map<std::string, config::Projection> all = configuration.projections;
  for (const auto& [name, wanted] : desired) {
    all.emplace(name, wanted.projection);
  }
  std::vector<config::Projection> projections;
  projections.reserve(all.size());
  for (auto& [name, projection] : all) {
    projections.push_back(std::move(projection));
  }
  return projections;
}

CheckedProjection describe(const config::Projection& projection, const supervisor::Discovery& discovery,
                           const std::map<std::string, PluginCheck>& plugins) {
  CheckedProjection checked;
  checked.name = projection.name;
  checked.plugin = projection.plugin;
  checked.partitions = projection.partitions;
  checked.checkpoint = projection.checkpoint;
  const auto found = discovery.plugins.find(projection.plugin);
  if (found == discovery.plugins.end()) {
    checked.state = projection.enabled ? State::Missing : State::Disabled;
    return checked;
  }
  checked.file = found->second.file;
  const PluginCheck& plugin = plugins.at(projection.plugin);
  checked.version = plugin.version;
  checked.read_model_version = plugin.read_model_version;
  checked.resettable = plugin.resettable;
  if (!plugin.refusal.empty()) {
    checked.problems.push_back(plugin.refusal);
  }
  if (const auto settings = plugin.settings.find(projection.name); settings != plugin.settings.end()) {
    for (const auto& problem : settings->second) {
      checked.problems.push_back(config::to_string(problem));
    }
  }
  checked.state = !projection.enabled ? State::Disabled : checked.problems.empty() ? State::Good : State::Refused;
  return checked;
}

/// What a host needs, and whether this program's limits would allow it.
void add_need(const supervisor::Desired& desired, CheckReport& report) {
  std::uint64_t partitions = 0;
  for (const auto& [name, wanted] : desired) {
    partitions += wanted.plugin ? wanted.partitions.size() : 0;
  }
  const auto need = supervisor::need_of(*report.loaded.configuration, partitions);
  const auto allowed = base::descriptor_limits().hard;
  report.need = fmt::format(
      "the host needs up to {} descriptors ({} are allowed here: ulimit -Hn, LimitNOFILE=), {} "
      "threads and {} processes (ulimit -u, TasksMax=), {} sessions on the event store and {} on the read model",
      need.descriptors, allowed, need.threads, need.processes, need.event_store_sessions, need.read_model_sessions);
  if (need.descriptors > allowed) {
    report.problems.push_back(fmt::format("{} partitions need {} descriptors, and a host with this limit may open {}: "
                                          "raise it (ulimit -n, LimitNOFILE= in the systemd unit), or give the "
                                          "projections fewer partitions",
                                          partitions, need.descriptors, allowed));
  }
}

void add_notes(const supervisor::Discovery& discovery, const std::set<std::string>& used, CheckReport& report) {
  for (const auto& file : discovery.ignored) {
    report.notes.push_back(supervisor::ignored_file(file));
  }
  for (auto& note : supervisor::not_autostarted(*report.loaded.configuration, discovery, {})) {
    report.notes.push_back(std::move(note));
  }
  for (const auto& [name, plugin] : discovery.plugins) {
    for (const auto& file : plugin.shadowed) {
      report.notes.push_back(fmt::format("{} is shadowed by {}: it is not used", file.string(), plugin.file.string()));
    }
    if (!used.contains(name)) {
      report.notes.push_back(fmt::format("{} starts nothing: its directory is not in plugins.autostart, and no "
                                         "[projection] names {}",
                                         plugin.file.string(), name));
    }
  }
}

void check_plugins(const supervisor::Selection& selection, CheckReport& report) {
  const auto discovery = supervisor::discover(report.loaded.configuration->plugins);
  for (const auto& directory : discovery.unreadable) {
    report.problems.push_back("plugin directory " + directory);
  }
  for (auto& finding : supervisor::configuration_findings(report.loaded, selection, discovery)) {
    report.problems.push_back(std::move(finding));
  }
  const auto desired = desired_projections(report.loaded, discovery);
  add_need(desired, report);
  const auto wanted = wanted_projections(*report.loaded.configuration, desired);
  std::map<std::string, std::vector<config::Projection>> users;
  for (const auto& projection : wanted) {
    users[projection.plugin].push_back(projection);
  }
  std::map<std::string, PluginCheck> plugins;
  std::set<std::string> used;
  for (const auto& [plugin, projections] : users) {
    used.insert(plugin);
    if (const auto found = discovery.plugins.find(plugin); found != discovery.plugins.end()) {
      plugins.emplace(plugin, check_plugin(found->second.file, projections));
    }
  }
  for (const auto& file : report.loaded.refused) {
    used.insert(file.projections.begin(), file.projections.end());
  }
  for (const auto& projection : wanted) {
    report.projections.push_back(describe(projection, discovery, plugins));
  }
  add_notes(discovery, used, report);
}

} // namespace

CheckReport check(const std::filesystem::path& main_file, const config::Overrides& overrides,
                  const supervisor::Selection& selection, bool connect, const base::Stop& stop) {
  CheckReport report;
  report.loaded = config::load(main_file, overrides);
  if (report.loaded.configuration) {
    check_plugins(selection, report);
    const auto problems = supervisor::dsn_problems(*report.loaded.configuration);
    report.loaded.main_problems.insert(report.loaded.main_problems.end(), problems.begin(), problems.end());
    if (connect && problems.empty()) {
      report.databases = check_databases(*report.loaded.configuration, stop);
      check_checkpoints(*report.loaded.configuration, report.projections, stop);
    }
  }
  return report;
}

int exit_code(const CheckReport& report) {
  if (!report.loaded.main_problems.empty() || !report.loaded.refused.empty()) {
    return 2;
  }
  const bool refused =
      std::any_of(report.projections.begin(), report.projections.end(), [](const CheckedProjection& projection) {
        return projection.state == State::Missing || !projection.problems.empty();
      });
  const bool databases = report.databases && !report.databases->problems.empty();
  return refused || databases || !report.problems.empty() ? 1 : 0;
}

} // namespace projector::control
