#pragma once

#include "config/configuration.hpp"
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
  std::optional<FoundPlugin> plugin;     ///< nothing: its file is missing
  std::vector<std::uint32_t> partitions; ///< this host's share
  std::int64_t rebuild = 0;              ///< number of the operator's open request for a rebuild; 0: there is none
  /// Another projection on the same plugin in the same schema, which goes first where the plugin does not keep their
  /// tables apart; empty: there is none.
  std::string behind = {};
};
using Desired = std::map<std::string, DesiredProjection>;

/// Which projections the operator picked for this run; both empty: all.
struct Selection {
  std::set<std::string> only;
  std::set<std::string> except;
  [[nodiscard]] bool takes(const std::string& projection) const;
};

/// What files, configuration and operators ask for. `refused` are projections whose configuration file is refused;
/// their plugins are not autostarted either. `rebuilds` are open requests by checkpoint. `stored_partitions` are the
/// counts with which checkpoints were written: such a count takes the place of the default, which may be another one
/// since workers were added. `named` are the plugins that are not autostarted for other reasons.
Desired desired_projections(const config::Configuration& configuration, const Discovery& discovery,
                            const Selection& selection, const std::set<std::string>& refused,
                            const std::map<std::string, std::int64_t>& rebuilds = {},
                            const std::map<std::string, std::uint32_t>& stored_partitions = {},
                            const NamedPlugins& named = {}, const TableOwners& owners = {});

/// Files in autostart directories that are not started under their own names because of a projection's table, each with
/// the reason and the way to run it all the same; for people.
std::vector<std::string> not_autostarted(const config::Configuration& configuration, const Discovery& discovery,
                                         const NamedPlugins& named);

/// A projection as it is on this host now.
struct CurrentProjection {
  DesiredProjection asked; ///< what was last started, refused or found missing
  std::string checkpoint;  ///< that it holds by what runs; empty: nothing runs
  bool running = false;    ///< a generation of it runs; else it was refused or is missing
  bool look_again = false; ///< the file seemed half written
  bool stopping = false;   ///< it was told to end, and some workers still run
};
using Current = std::map<std::string, CurrentProjection>;

struct Action {
  enum class Kind {
    Start,   ///< stage and load the plugin, make the workers; also where the file was refused or missing before
    Replace, ///< as Start, and what runs goes on unless all of that is in order
    Stop,    ///< tell its workers to end
    Missing, ///< show it as missing: there is no file
    Forget,  ///< it is not wanted and nothing of it runs
  };
  Kind kind;
  std::string projection;
  friend bool operator==(const Action&, const Action&) = default;
};

/// The steps from what is to what should be, in the order in which to take them. Pure: called again after each change,
/// it returns nothing once both agree. What takes a checkpoint over from a projection that lets go of it is started
/// once that one has. What was refused is not tried again before it changes.
std::vector<Action> reconcile(const Desired& desired, const Current& current);

} // namespace projector::supervisor
