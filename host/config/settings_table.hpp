#pragma once

#include "config/field.hpp"

#include <vector>

namespace projector::config {

/// Lays a [projection.NAME.settings] table over `settings`, key by key; they stay sorted by key.
void read_settings(const Field& field, std::vector<Setting>& settings);

} // namespace projector::config
