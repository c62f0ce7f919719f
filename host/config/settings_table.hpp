#pragma once

#include "config/field.hpp"

#include <vector>

namespace projector::config {

/// Merges a [projection.NAME.settings] table into `settings` key by key; they stay sorted by key.
void read_settings(const Field& field, std::vector<Setting>& settings);

} // namespace projector::config
