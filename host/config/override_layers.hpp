#pragma once

#include "config/field.hpp"
#include "config/load.hpp"

#include <optional>
#include <string>
#include <vector>

namespace projector::config {

/// The values of environment variables and options, as trees like the main file's.
/// PROJECTORD_DSN, WORKER_ID and TOTAL_WORKERS; an empty one counts as not set.
Value environment_layer(const Overrides& overrides);
/// --set in the given order, then --worker-id and --total-workers: one tree each, the last one wins. An option that
/// cannot be parsed is a problem; messages show its key only.
std::vector<Value> option_layers(const Overrides& overrides, Problems& problems);

/// An environment variable; nothing if it is not set or empty.
std::optional<std::string> variable(const Overrides& overrides, const std::string& name);

} // namespace projector::config
