#include "supervisor/named_plugins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace projector::supervisor {

NamedPlugins::NamedPlugins(const projection::NamedProjections& stored) {
  for (const auto& row : stored.all) {
    const bool own_name = row.projection == row.plugin && row.checkpoint == row.plugin;
    if (own_name && row.autostarted.value_or(true)) {
      continue;
    }
    const auto reason = fmt::format("the checkpoint {} was last opened by [projection.{}] on plugin {}, which is in no "
                                    "configuration file now",
                                    row.checkpoint, row.projection, row.plugin);
    for (const auto& name : {row.plugin, row.projection, row.checkpoint}) {
      reasons_.emplace(name, reason);
    }
  }
}

void NamedPlugins::remember(const config::Configuration& configuration) {
  for (const auto& [name, projection] : configuration.projections) {
    const auto reason = fmt::format("[projection.{}] at {} has named it since this host was started", name,
                                    config::to_string(projection.where));
    for (const auto& named : {projection.plugin, name, projection.checkpoint}) {
      reasons_.insert_or_assign(named, reason);
    }
  }
}

void NamedPlugins::remember_refused(const std::string& name, const std::string& reason) {
  reasons_.emplace(name, reason);
}

const std::string* NamedPlugins::reason(const std::string& plugin) const {
  const auto found = reasons_.find(plugin);
  return found == reasons_.end() ? nullptr : &found->second;
}

std::string TableOwners::schema_of(const config::Projection& projection) const {
  return projection.schema.empty() ? named_.default_schema : projection.schema;
}

void TableOwners::started(const config::Projection& projection) {
  const auto schema = schema_of(projection);
  auto& all = named_.all;
  const auto known = std::find_if(all.begin(), all.end(), [&](const projection::NamedProjection& row) {
    return row.checkpoint == projection.checkpoint;
  });
  if (known != all.end() && std::tie(known->plugin, known->schema) == std::tie(projection.plugin, schema)) {
    known->projection = projection.name;
    return;
  }
  if (known != all.end()) {
    all.erase(known);
  }
  all.push_back({.projection = projection.name,
                 .plugin = projection.plugin,
                 .checkpoint = projection.checkpoint,
                 .schema = schema,
                 .autostarted = projection.autostarted});
}

std::map<std::string, std::string> TableOwners::behind(const std::vector<const config::Projection*>& wanted) const {
  // The place among those with a checkpoint, or the end.
  const auto place = [&](const config::Projection& projection) {
    const auto schema = schema_of(projection);
    return std::find_if(named_.all.begin(), named_.all.end(),
                        [&](const projection::NamedProjection& row) {
                          return row.checkpoint == projection.checkpoint && row.plugin == projection.plugin &&
                                 row.schema == schema;
                        }) -
           named_.all.begin();
  };
  using Key = std::pair<std::string, std::string>;
  std::map<Key, const config::Projection*> first;
  const auto before = [&](const config::Projection& one, const config::Projection& other) {
    return std::pair(place(one), one.name) < std::pair(place(other), other.name);
  };
  for (const auto* projection : wanted) {
    const auto [owner, made] = first.emplace(Key(projection->plugin, schema_of(*projection)), projection);
    if (!made && before(*projection, *owner->second)) {
      owner->second = projection;
    }
  }
  std::map<std::string, std::string> behind;
  for (const auto* projection : wanted) {
    const auto& owner = *first.at(Key(projection->plugin, schema_of(*projection)));
    if (owner.name != projection->name) {
      behind.emplace(projection->name, owner.name);
    }
  }
  return behind;
}

} // namespace projector::supervisor
