#include "control/rebuild.hpp"

#include "control/find_projection.hpp"
#include "control/plugin_check.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <fmt/format.h>

namespace projector::control {
namespace {

/// Why the plugin cannot be rebuilt; empty if it can.
std::string refuse_plugin(const supervisor::DesiredProjection& wanted) {
  const auto& name = wanted.projection.name;
  if (!wanted.plugin) {
    return fmt::format("{} has no plugin: no plugin directory holds {}.so\n", name, wanted.projection.plugin);
  }
  const PluginCheck check = check_plugin(wanted.plugin->file, {});
  if (!check.refusal.empty()) {
    return check.refusal + "\n";
  }
  return check.resettable ? std::string()
                          : fmt::format("{} cannot be rebuilt: its plugin {} {} has no reset to empty the read model "
                                        "with; give the projection another `checkpoint` and tables of its own\n",
                                        name, wanted.projection.plugin, check.version);
}

} // namespace

RebuildAnswer request_rebuild(const config::Loaded& loaded, const std::string& projection, const base::Stop& stop) {
  const config::Configuration& configuration = *loaded.configuration;
  const auto found = find_projection(configuration, projection);
  if (!found.wanted) {
    return {false, found.refusal + "\n"};
  }
  if (auto refusal = refuse_plugin(*found.wanted); !refusal.empty()) {
    return {false, std::move(refusal)};
  }
  pg::ConnectOptions options;
  options.dsn = configuration.read_model.dsn;
  options.application_name = "projectorctl";
  pg::Connection connection(options, stop);
  const auto tables = projection::find_tables(connection, configuration.read_model.checkpoints_table);
  const auto updated =
      tables ? connection
                   .exec(fmt::format("UPDATE {} SET rebuild_requested = rebuild_requested + 1 WHERE checkpoint = $1",
                                     tables->projections),
                         pg::Parameters{}.text(found.wanted->projection.checkpoint))
                   .affected()
             : 0;
  if (updated == 0) {
    return {false,
            fmt::format("{} has no checkpoint yet: when it is started it begins with the first event\n", projection)};
  }
  return {true, fmt::format("{} will be rebuilt from the first event: by the host that runs it, within about a second, "
                            "else when one starts; watch it with \"projectorctl status\"\n",
                            projection)};
}

} // namespace projector::control
