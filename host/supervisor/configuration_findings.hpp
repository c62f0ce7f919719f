#pragma once

#include "config/load.hpp"
#include "supervisor/discovery.hpp"
#include "supervisor/reconcile.hpp"

#include <string>
#include <vector>

namespace projector::supervisor {

/// Probable mistakes that are not errors: names in --only and --except that no projection has, plugin directories and
/// included files that do not exist, configuration files and directories that anybody may change. Each text says what
/// to do, and stays the same while the mistake lasts. Reads the file system. `loaded` has a configuration.
std::vector<std::string> configuration_findings(const config::Loaded& loaded, const Selection& selection,
                                                const Discovery& discovery);

/// Only those of --only and --except.
std::vector<std::string> selection_findings(const config::Loaded& loaded, const Selection& selection,
                                            const Discovery& discovery);

} // namespace projector::supervisor
