#pragma once

#include <projector/plugin.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace projector::plugin {

/// "an integer", "a duration such as \"250ms\"": what a PROJECTOR_SETTING_* type expects. Empty for an unknown type.
std::string_view expected_value(std::int32_t type);

/// One value as the plugin receives it, from the text that stands for it in a file (a string without its quotes);
/// nothing if the text is not a value of that type. Not for PROJECTOR_SETTING_STRINGS.
std::optional<std::string> setting_value(std::int32_t type, std::string_view text);

} // namespace projector::plugin
