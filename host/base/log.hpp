#pragma once

#include <string>

namespace projector::base {

/// Sets up spdlog's default logger: one line a message on stderr. `level` is trace, debug, info, warn, error or off.
void set_up_log(const std::string& level);

} // namespace projector::base
