#include "supervisor/reconcile.hpp"

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

} // namespace

bool Selection::takes(const std::string& projection) const {
  return (only.empty() || only.contains(projection)) && !except.contains(projection);
}

Desired desired_projections(const config::Configuration& configuration, const Discovery& discovery,
                            const Selection& selection, const std::set<std::string>& refused) {
  Desired desired;
  std::set<std::string> named = refused;
  const auto want = [&](const config::Projection& projection) {
    if (!projection.enabled || !selection.takes(projection.name)) {
      return;
    }
    DesiredProjection wanted{projection, std::nullopt, share_of(configuration.worker, projection.partitions)};
    if (const auto found = discovery.plugins.find(projection.plugin); found != discovery.plugins.end()) {
      wanted.plugin = found->second;
    }
    desired.emplace(projection.name, std::move(wanted));
  };
  for (const auto& [name, projection] : configuration.projections) {
    named.insert(name);
    named.insert(projection.plugin);
    want(projection);
  }
  for (const auto& [name, plugin] : discovery.plugins) {
    if (plugin.autostart && !named.contains(name)) {
      want(config::autostarted(configuration, name));
    }
  }
  return desired;
}

std::vector<Action> reconcile(const Desired& desired, const Current& current) {
  std::vector<Action> actions;
  std::set<std::string> ending; // checkpoints that workers on their way out still move
  for (const auto& [name, now] : current) {
    const auto wanted = desired.find(name);
    if (!now.stopping && !now.running) {
      continue;
    }
    const bool stays = wanted != desired.end() && wanted->second.plugin && wanted->second.projection == now.projection;
    if (!now.stopping && !stays) {
      actions.push_back({Action::Kind::Stop, name});
    }
    if (now.stopping || !stays) {
      ending.insert(now.projection.checkpoint);
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
      if (now.signature || !(wanted->second.projection == now.projection)) {
        actions.push_back({Action::Kind::Missing, name});
      }
    } else if ((now.look_again || now.signature != wanted->second.plugin->signature ||
                !(wanted->second.projection == now.projection)) &&
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
