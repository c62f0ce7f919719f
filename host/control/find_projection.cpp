#include "control/find_projection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

namespace projector::control {

FoundProjection find_projection(const config::Configuration& configuration, const std::string& name) {
  const auto discovery = supervisor::discover(configuration.plugins);
  const auto desired = supervisor::desired_projections(configuration, discovery, {}, {});
  FoundProjection found;
  supervisor::DesiredProjection wanted;
  if (const auto table = configuration.projections.find(name); table != configuration.projections.end()) {
    wanted.projection = table->second;
  } else if (const auto autostarted = desired.find(name); autostarted != desired.end()) {
    wanted = autostarted->second;
  } else {
    std::set<std::string> names;
    for (const auto& [known, projection] : configuration.projections) {
      names.insert(known);
    }
    for (const auto& [known, projection] : desired) {
      names.insert(known);
    }
    found.refusal = fmt::format("{} is no projection of this configuration; found: {}", name,
                                names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
    return found;
  }
  if (const auto plugin = discovery.plugins.find(wanted.projection.plugin); plugin != discovery.plugins.end()) {
    wanted.plugin = plugin->second;
  }
  found.wanted = std::move(wanted);
  return found;
}

} // namespace projector::control
