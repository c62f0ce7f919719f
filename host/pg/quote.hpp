#pragma once

#include <string>
#include <string_view>

namespace projector::pg {

/// A name as an SQL identifier in double quotes. Throws std::invalid_argument for an empty name or a NUL byte.
std::string quote_identifier(std::string_view name);

/// Text as an SQL string literal that means the same whatever standard_conforming_strings is. A text with a backslash
/// begins with a blank and E, so that it may follow a word. Throws std::invalid_argument for a NUL byte.
std::string quote_literal(std::string_view text);

} // namespace projector::pg
