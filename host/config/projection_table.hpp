#pragma once

#include "config/field.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace projector::config {

/// One projection, or [defaults], merged from the layers read so far.
struct ProjectionDraft {
  Projection projection;
  std::map<std::string, Location, std::less<>> origins; ///< of every key that was set, without its table: "batch_size"
  bool refused = false;                                 ///< a key had a problem and was not read
};

struct ProjectionKey {
  std::string_view name;
  bool in_defaults;
  void (*read)(const Field&, Projection&);
};

std::span<const ProjectionKey> projection_keys();

/// Reads a table of one layer, whose values replace those of lower layers. `name` is "defaults" or "projection.NAME".
/// Settings are merged key by key.
void read_projection_table(const Value& table, std::string_view name, const std::filesystem::path& base,
                           ProjectionDraft& draft, Problems& problems);

/// What is wrong with the name of a projection; empty if it is valid.
std::string projection_name_fault(std::string_view name);

} // namespace projector::config
