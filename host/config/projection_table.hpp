#pragma once

#include "config/field.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace projector::config {

/// What the layers have given so far for one projection, or for [defaults].
struct ProjectionDraft {
  Projection projection;
  std::map<std::string, Location, std::less<>> origins; ///< of every key given, by its own name: "batch_size"
  bool refused = false;                                 ///< some key had a problem and was not read
};

struct ProjectionKey {
  std::string_view name;
  bool in_defaults;
  void (*read)(const Field&, Projection&);
};

std::span<const ProjectionKey> projection_keys();

/// Reads one layer's table over what lower layers gave. `name` is "defaults" or "projection.NAME". Settings are laid
/// over each other key by key.
void read_projection_table(const Value& table, std::string_view name, const std::filesystem::path& base,
                           ProjectionDraft& draft, Problems& problems);

/// Says what is wrong with the name of a projection; empty where nothing is.
std::string projection_name_fault(std::string_view name);

} // namespace projector::config
