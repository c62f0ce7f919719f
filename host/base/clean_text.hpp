#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace projector::base {

/// Turns any bytes into one line of valid UTF-8, for logs, tables and screens: bytes that are not UTF-8 become U+FFFD,
/// control characters and line feeds become spaces, and blanks at the end are dropped. Text of more than `longest`
/// bytes is cut between two characters and ends with an ellipsis.
std::string clean_text(std::string_view text, std::size_t longest);

/// Whether these bytes are well-formed UTF-8, control characters and NUL included.
bool is_utf8(std::string_view text) noexcept;

/// UTF-8 as ASCII, for places that cannot store more, such as a database of another encoding: every character that is
/// not ASCII becomes one question mark.
std::string ascii_text(std::string_view text);

} // namespace projector::base
