#include "supervisor/reconcile.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::supervisor {
namespace {

std::vector<std::uint32_t> share_of(const std::optional<config::WorkerShare>& worker, std::uint32_t partitions) {
  std::vector<std::uint32_t> share;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    if (!worker || partition % worker->total == worker->id) {
      share.push_back(partition);
    }
  }
  return share;
}

/// Whether the request differs from the last one. A rebuild request that was served is not a difference.
bool differs(const DesiredProjection& wanted, const DesiredProjection& last) {
  const bool same_file = wanted.plugin.has_value() == last.plugin.has_value() &&
                         (!wanted.plugin || wanted.plugin->signature == last.plugin->signature);
  const bool served = !wanted.rebuild || wanted.rebuild == last.rebuild;
  return !same_file || !served || wanted.behind != last.behind || !(wanted.projection == last.projection) ||
         wanted.partitions != last.partitions;
}

} // namespace

bool Selection::takes(const std::string& projection) const {
  return (only.empty() || only.contains(projection)) && !except.contains(projection);
}

Desired desired_projections(const config::Configuration& configuration, const Discovery& discovery,
                            const Selection& selection, const std::set<std::string>& refused,
                            const projection::Bookkeeper::RebuildRequests& rebuilds,
                            const std::map<std::string, std::uint32_t>& stored_partitions,
                            const NamedPlugins& remembered, const TableOwners& owners) {
  Desired desired;
  std::set<std::string> named = refused;
  const auto want = [&](const config::Projection& projection) {
    if (!projection.enabled || !selection.takes(projection.name)) {
      return;
    }
    DesiredProjection wanted;
    wanted.projection = projection;
    if (const auto stored = stored_partitions.find(projection.checkpoint);
        stored != stored_partitions.end() && !projection.partitions_given) {
      wanted.projection.partitions = stored->second;
    }
    wanted.partitions = share_of(configuration.worker, wanted.projection.partitions);
    if (const auto request = rebuilds.find(projection.checkpoint); request != rebuilds.end()) {
      wanted.rebuild = request->second;
    }
    if (const auto found = discovery.plugins.find(projection.plugin); found != discovery.plugins.end()) {
      wanted.plugin = found->second;
    }
    desired.emplace(projection.name, std::move(wanted));
  };
  for (const auto& [name, projection] : configuration.projections) {
    named.insert(name);
    named.insert(projection.plugin);
    named.insert(projection.checkpoint);
    want(projection);
  }
  for (const auto& [name, plugin] : discovery.plugins) {
    if (plugin.autostart && !named.contains(name) && remembered.reason(name) == nullptr) {
      want(config::autostarted(configuration, name));
    }
  }
  std::vector<const config::Projection*> runnable;
  for (const auto& [name, wanted] : desired) {
    if (wanted.plugin) {
      runnable.push_back(&wanted.projection);
    }
  }
  for (auto& [name, first] : owners.behind(runnable)) {
    desired.at(name).behind = first;
  }
  return desired;
}

std::vector<std::string> not_autostarted(const config::Configuration& configuration, const Discovery& discovery,
                                         const NamedPlugins& named) {
  std::vector<std::string> notes;
  for (const auto& [name, plugin] : discovery.plugins) {
    if (!plugin.autostart || configuration.projections.contains(name)) {
      continue;
    }
    const auto& all = configuration.projections;
    const auto user = std::find_if(all.begin(), all.end(),
                                   [wanted = name](const auto& other) { return other.second.plugin == wanted; });
    const std::string* before = named.reason(name);
    if (user != all.end()) {
      notes.push_back(
          fmt::format("{0} does not start as a projection {1} of its own: [projection.{2}] at {3} names the "
                      "plugin; to run both, add a table [projection.{1}]",
                      plugin.file.string(), name, user->first, config::to_string(user->second.where)));
    } else if (before != nullptr) {
      notes.push_back(fmt::format("{0} does not start with default values: {2}. Put that file back, or add a table "
                                  "[projection.{1}] to run the plugin under its own name",
                                  plugin.file.string(), name, *before));
    }
  }
  return notes;
}

std::vector<Action> reconcile(const Desired& desired, const Current& current) {
  std::vector<Action> actions;
  std::set<std::string> ending; // checkpoints that ending workers may still move
  for (const auto& [name, now] : current) {
    const auto wanted = desired.find(name);
    if (!now.stopping && !now.running) {
      continue;
    }
    const bool goes_on = !now.stopping && wanted != desired.end() && wanted->second.plugin;
    if (!goes_on || wanted->second.projection.checkpoint != now.checkpoint) {
      ending.insert(now.checkpoint);
    }
    if (!now.stopping && !goes_on) {
      actions.push_back({Action::Kind::Stop, name});
    } else if (goes_on && (now.retry || differs(wanted->second, now.requested))) {
      actions.push_back({Action::Kind::Replace, name});
    }
  }
  for (const auto& [name, now] : current) {
    const auto wanted = desired.find(name);
    if (now.stopping || now.running) {
      continue;
    }
    if (wanted == desired.end()) {
      actions.push_back({Action::Kind::Forget, name});
    } else if (!wanted->second.plugin) {
      if (differs(wanted->second, now.requested)) {
        actions.push_back({Action::Kind::Missing, name});
      }
    } else if ((now.retry || differs(wanted->second, now.requested)) &&
               !ending.contains(wanted->second.projection.checkpoint)) {
      actions.push_back({Action::Kind::Start, name});
    }
  }
  for (const auto& [name, wanted] : desired) {
    if (!current.contains(name) && !(wanted.plugin && ending.contains(wanted.projection.checkpoint))) {
      actions.push_back({wanted.plugin ? Action::Kind::Start : Action::Kind::Missing, name});
    }
  }
  return actions;
}

} // namespace projector::supervisor
