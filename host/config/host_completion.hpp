#pragma once

#include "config/host_tables.hpp"
#include "config/load.hpp"

namespace projector::config {

/// Fills in what the layers left open (DATABASE_URL, the read model's DSN, directories, the worker's share) and checks
/// what concerns more than one key. `main_file` places problems that stand nowhere.
void complete_host(HostValues& values, const Overrides& overrides, const std::filesystem::path& main_file,
                   Problems& problems, Problems& warnings);

} // namespace projector::config
