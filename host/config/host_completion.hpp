#pragma once

#include "config/host_tables.hpp"
#include "config/load.hpp"

namespace projector::config {

/// Fills in what no layer has set (the DSNs, directories, the worker's share) and checks rules that involve more than
/// one key. Problems without a place of their own are reported for `main_file`.
void complete_host(HostValues& values, const Overrides& overrides, const std::filesystem::path& main_file,
                   Problems& problems, Problems& warnings);

} // namespace projector::config
