#pragma once

#include "control/check.hpp"

#include <string>

namespace projector::control {

/// The configuration's problems and warnings, a line each: "file:line:column: text". Empty: there are none.
std::string configuration_problems(const config::Loaded& loaded);

/// What was checked and found, for people, without configuration_problems. Empty where there is no configuration.
std::string check_text(const CheckReport& report);

} // namespace projector::control
