#include "pg/quote.hpp"

#include <stdexcept>

namespace projector::pg {

namespace {

/// The text in `quote`s, with each `quote` in it doubled, and each backslash, too, if `double_backslash`.
std::string enclose(std::string_view text, char quote, bool double_backslash) {
  if (text.find('\0') != std::string_view::npos) {
    throw std::invalid_argument("a NUL byte cannot be quoted for PostgreSQL");
  }
  std::string quoted(1, quote);
  for (const char character : text) {
    if (character == quote || (double_backslash && character == '\\')) {
      quoted += character;
    }
    quoted += character;
  }
  return quoted += quote;
}

} // namespace

std::string quote_identifier(std::string_view name) {
  if (name.empty()) {
    throw std::invalid_argument("an empty identifier cannot be quoted for PostgreSQL");
  }
  return enclose(name, '"', false);
}

std::string quote_literal(std::string_view text) {
  // The E form means the same whatever standard_conforming_strings is.
  const bool escape = text.find('\\') != std::string_view::npos;
  return (escape ? " E" : "") + enclose(text, '\'', escape);
}

} // namespace projector::pg
