#pragma once

#include <string>

namespace projector::pg {

/// The oldest server that the host's statements run on, as server_version_num.
inline constexpr int kOldestServer = 120000;

/// Why a server of this version, as server_version_num, cannot be used and what to do; empty for one that can.
std::string refuse_server_version(int version);

} // namespace projector::pg
