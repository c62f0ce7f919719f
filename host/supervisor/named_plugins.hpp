#pragma once

#include "config/configuration.hpp"
#include "projection/named_projections.hpp"

#include <map>
#include <string>
#include <vector>

namespace projector::supervisor {

/// Which plugins are not autostarted, and why: a projection's table names them, or has named them since the host
/// started or when its checkpoint was last opened. A table that is away for a moment so never makes its plugin run with
/// defaults. Owned by the supervisor; its thread only.
class NamedPlugins {
public:
  NamedPlugins() = default;
  /// `stored` are the checkpoints that there were at the start.
  explicit NamedPlugins(const projection::NamedProjections& stored);

  /// The projections that are configured now.
  void remember(const config::Configuration& configuration);
  /// A name or a plugin that stands in a file that is refused. `reason` is for people.
  void remember_refused(const std::string& name, const std::string& reason);

  /// Why the plugin is not autostarted, for people; null: it is.
  [[nodiscard]] const std::string* reason(const std::string& plugin) const;

private:
  std::map<std::string, std::string> reasons_;
};

/// Which projection's tables stand where: for plugins that do not keep their projections' tables apart, which one goes
/// first. The one whose checkpoint was made first does, and one without a checkpoint comes after those with one, by
/// name. Owned by the supervisor; its thread only.
class TableOwners {
public:
  TableOwners() = default;
  explicit TableOwners(projection::NamedProjections stored) : named_(std::move(stored)) {}

  /// A projection was started and has, or will have, a checkpoint.
  void started(const config::Projection& projection);
  /// For each projection that is not the first of its plugin in its schema, the one that is.
  [[nodiscard]] std::map<std::string, std::string> behind(const std::vector<const config::Projection*>& wanted) const;

private:
  [[nodiscard]] std::string schema_of(const config::Projection& projection) const;

  projection::NamedProjections named_;
};

} // namespace projector::supervisor
