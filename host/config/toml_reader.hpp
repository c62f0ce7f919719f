#pragma once

#include "config/value.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projector::config {

/// A TOML document, or the first syntax error in it: nothing behind that can be read.
struct Document {
  std::optional<Value> root;
  std::optional<Problem> syntax_error; ///< present when root is not
};

/// `file` is the name for messages.
Document parse_toml(std::string_view text, const std::string& file);

/// One TOML value, as it may stand to the right of "=". Nothing where the text is not one.
std::optional<Value> parse_toml_value(std::string_view text, const Location& where);

} // namespace projector::config
