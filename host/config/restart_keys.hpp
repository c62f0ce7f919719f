#pragma once

#include "config/configuration.hpp"

#include <string>
#include <vector>

namespace projector::config {

/// The keys of the host whose values differ and take effect only at the next start: "feed.memory". Names only: a DSN
/// holds a password.
std::vector<std::string> restart_keys(const Configuration& running, const Configuration& wanted);

} // namespace projector::config
