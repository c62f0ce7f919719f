#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace projector::plugin {

/// Text from the other side of the interface as one line of valid UTF-8: bytes that are none become U+FFFD, control
/// characters and line feeds spaces, blanks at the end go; what is longer than `longest` bytes is cut between two
/// characters and ends with an ellipsis.
std::string clean_text(std::string_view text, std::size_t longest);

} // namespace projector::plugin
