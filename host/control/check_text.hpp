#pragma once

#include "control/check.hpp"

#include <string>

namespace projector::control {

/// The configuration's problems and warnings, one per line: "file:line:column: text". Empty: there are none.
std::string configuration_problems(const config::Loaded& loaded);

/// The other findings, for people. Empty without a configuration.
std::string check_text(const CheckReport& report);

} // namespace projector::control
