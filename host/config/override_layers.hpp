#pragma once

#include "config/field.hpp"
#include "config/load.hpp"

#include <optional>
#include <string>
#include <vector>

namespace projector::config {

/// What environment variables and options give, in the form of the main file's tree.
/// PROJECTORD_DSN, WORKER_ID and TOTAL_WORKERS; one that is empty counts as not set.
Value environment_layer(const Overrides& overrides);
/// --set in their order, then --worker-id and --total-workers: one tree each, the last one wins. An option that cannot
/// be split is a problem; no message shows more of it than its key.
std::vector<Value> option_layers(const Overrides& overrides, Problems& problems);

/// An environment variable; nothing where it is not set or empty.
std::optional<std::string> variable(const Overrides& overrides, const std::string& name);

} // namespace projector::config
