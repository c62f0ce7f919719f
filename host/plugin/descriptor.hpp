#pragma once

#include "plugin/file_check.hpp"

#include <projector/plugin.h>

#include <optional>
#include <string>

namespace projector::plugin {

/// Checks a descriptor that was found in a library called `expected_name`: sizes, versions, flags, name, required
/// functions, lists, settings' declarations. Nothing if it is valid; then `copy` is the host's own copy, with zero in
/// fields that the plugin does not have. Reads constant data only and runs nothing of the plugin's. The reason
/// continues "FILE: ".
std::optional<Refusal> accept_descriptor(const projector_plugin& found, const std::string& expected_name,
                                         projector_plugin& copy);

} // namespace projector::plugin
