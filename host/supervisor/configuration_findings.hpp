#pragma once

#include "config/load.hpp"
#include "supervisor/discovery.hpp"
#include "supervisor/reconcile.hpp"

#include <string>
#include <vector>

namespace projector::supervisor {

/// Probable mistakes that are no errors: names of --only and --except that no projection has, plugin directories and
/// included files that are not there, configuration files and their directories that anybody may change. Each text says
/// what to do about it; the same one for as long as that lasts. Looks at the files. `loaded` has a configuration.
std::vector<std::string> configuration_findings(const config::Loaded& loaded, const Selection& selection,
                                                const Discovery& discovery);

/// Only those of --only and --except.
std::vector<std::string> selection_findings(const config::Loaded& loaded, const Selection& selection,
                                            const Discovery& discovery);

} // namespace projector::supervisor
