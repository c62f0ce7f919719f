#pragma once

#include "config/configuration.hpp"
#include "projection/bookkeeper.hpp"
#include "supervisor/discovery.hpp"
#include "supervisor/named_plugins.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projector::supervisor {

/// A projection that should run here.
struct DesiredProjection {
  config::Projection projection;
  std::optional<FoundPlugin> plugin;                      ///< nothing: its file is missing
  std::vector<std::uint32_t> partitions;                  ///< this host's share
  std::optional<projection::RebuildRequest> rebuild = {}; ///< that is open
  /// Another projection with the same plugin and schema. It has precedence if the plugin does not keep their tables
  /// apart. Empty if there is none.
  std::string behind = {};
};
using Desired = std::map<std::string, DesiredProjection>;

/// The projections that the operator has selected for this run; all if both are empty.
struct Selection {
  std::set<std::string> only;
  std::set<std::string> except;
  [[nodiscard]] bool takes(const std::string& projection) const;
};

/// The projections that should run here, by files, configuration and operators' requests. `refused` are projections
/// whose configuration file is refused; their plugins are not autostarted either. `rebuilds` are open requests by
/// checkpoint. `stored_partitions` are the counts of stored checkpoints: they replace the default, which may have
/// changed since workers were added. `named` are the plugins that are not autostarted for other reasons.
Desired desired_projections(const config::Configuration& configuration, const Discovery& discovery,
                            const Selection& selection, const std::set<std::string>& refused,
                            const projection::Bookkeeper::RebuildRequests& rebuilds = {},
                            const std::map<std::string, std::uint32_t>& stored_partitions = {},
                            const NamedPlugins& named = {}, const TableOwners& owners = {});

/// Messages about files in autostart directories that are not started under their own names because of a projection's
/// table, with the reason and the way to run them all the same.
std::vector<std::string> not_autostarted(const config::Configuration& configuration, const Discovery& discovery,
                                         const NamedPlugins& named);

/// A projection as it is on this host now.
struct CurrentProjection {
  DesiredProjection requested; ///< the last request, which was started, refused or found missing
  std::string checkpoint;      ///< the one that its workers move; empty if nothing runs
  bool running = false;        ///< a generation of it runs; else it was refused or is missing
  bool retry = false;          ///< the same request is tried again, e.g. as its file seemed half written
  bool stopping = false;       ///< stop() was called, and some workers still run
};
using Current = std::map<std::string, CurrentProjection>;

struct Action {
  enum class Kind {
    Start,   ///< stage and load the plugin, make the workers; also if it was refused or missing before
    Replace, ///< like Start, but the running generation goes on if any of that fails
    Stop,    ///< request its workers to end
    Missing, ///< show it as missing, since it has no file
    Forget,  ///< drop a projection that is not wanted and does not run
  };
  Kind kind;
  std::string projection;
  friend bool operator==(const Action&, const Action&) = default;
};

/// The actions that lead from the current to the desired state, in the order in which to carry them out. Pure: called
/// again after each change, it returns nothing once both agree. A projection that continues another one's checkpoint is
/// started after that one has ended. A refused request is not tried again before it changes.
std::vector<Action> reconcile(const Desired& desired, const Current& current);

} // namespace projector::supervisor
