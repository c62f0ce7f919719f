#pragma once

#include "plugin/module.hpp"

#include <string>

namespace projector::plugin {

/// Describes a loaded plugin: the file, the descriptor, the settings with their types and defaults (a SECRET's is
/// hidden). Several lines, the last one with its line feed.
std::string describe(const Module& module);

} // namespace projector::plugin
