#pragma once

#include "config/configuration.hpp"
#include "projection/named_projections.hpp"

#include <map>
#include <string>
#include <vector>

namespace projector::supervisor {

/// Which plugins are not autostarted, and why: a projection's table names them, or has named them since the host was
/// started or when its checkpoint was last opened. So a plugin does not run with defaults while its table is missing
/// for a moment. Owned by the supervisor; its thread only.
class NamedPlugins {
public:
  NamedPlugins() = default;
  /// `stored`: projections that had a checkpoint when the host was started.
  explicit NamedPlugins(const projection::NamedProjections& stored);

  /// Adds the plugins of all configured projections.
  void remember(const config::Configuration& configuration);
  /// Adds a projection's or plugin's name of a refused file. `reason` is for messages.
  void remember_refused(const std::string& name, const std::string& reason);

  /// Why the plugin is not autostarted, for messages; null if it is.
  [[nodiscard]] const std::string* reason(const std::string& plugin) const;

private:
  std::map<std::string, std::string> reasons_;
};

/// Decides which projection may run if several use, in one schema, a plugin that does not keep their tables apart: the
/// one whose checkpoint was made first. Those without a checkpoint come last, by name. Owned by the supervisor; its
/// thread only.
class TableOwners {
public:
  TableOwners() = default;
  explicit TableOwners(projection::NamedProjections stored) : named_(std::move(stored)) {}

  /// To be called when a projection was started: it has a checkpoint, or will have one.
  void started(const config::Projection& projection);
  /// For each projection that is not the first one with its plugin and schema, the name of the first one.
  [[nodiscard]] std::map<std::string, std::string> behind(const std::vector<const config::Projection*>& wanted) const;

private:
  [[nodiscard]] std::string schema_of(const config::Projection& projection) const;

  projection::NamedProjections named_;
};

} // namespace projector::supervisor
