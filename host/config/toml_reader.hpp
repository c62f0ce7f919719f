#pragma once

#include "config/value.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projector::config {

/// A TOML document, or its first syntax error, after which nothing can be read.
struct Document {
  std::optional<Value> root;
  std::optional<Problem> syntax_error; ///< present if root is not
};

/// `file` is the name in messages.
Document parse_toml(std::string_view text, const std::string& file);

/// One TOML value, as it is written after "=". Nothing if the text is not one.
std::optional<Value> parse_toml_value(std::string_view text, const Location& where);

} // namespace projector::config
