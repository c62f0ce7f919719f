#pragma once

#include "plugin/facts.hpp"
#include "plugin/staging.hpp"

#include <string>

namespace projector::plugin {

/// Describes a plugin whose facts were accepted: the file, the facts, the settings with their types and defaults (a
/// SECRET's is hidden). Several lines, the last one with its line feed.
std::string describe(const StagedFile& file, const Facts& facts);

} // namespace projector::plugin
