#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace projector::pg {

/// ASCII only, as PostgreSQL folds keywords.
inline bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
         });
}

struct SqlToken {
  enum class Kind {
    End,
    Word,         ///< keyword or unquoted name, as written
    QuotedName,   ///< text between the double quotes; doubled ones are left doubled
    String,       ///< text between the quotes or dollar tags, with its escapes
    Value,        ///< number or $1
    Symbol,       ///< one byte of anything else
    Unterminated, ///< a token without an end; `text` is its name for messages
  };
  Kind kind = Kind::End;
  std::string_view text;
  std::size_t offset = 0; ///< bytes from the start of the statement

  [[nodiscard]] bool is_symbol(char symbol) const noexcept { return kind == Kind::Symbol && text.front() == symbol; }
  /// Whether it is this keyword, which is given in lower case.
  [[nodiscard]] bool is_word(std::string_view lower) const noexcept {
    return kind == Kind::Word && equals_ignoring_case(text, lower);
  }
  /// Whether it names this, given in lower case: unquoted in any case, or quoted exactly so.
  [[nodiscard]] bool is_name(std::string_view lower) const noexcept {
    return is_word(lower) || (kind == Kind::QuotedName && text == lower);
  }
};

/// Reads SQL token by token, without blanks and comments, by the rules of PostgreSQL's own scanner with
/// standard_conforming_strings on. A small value: copy it to look ahead. The text outlives it and its tokens.
class SqlTokens {
public:
  explicit SqlTokens(std::string_view sql) noexcept : sql_(sql) {}

  /// The next token. At the end it returns End, also if called again. Not to be called after Unterminated.
  SqlToken next() noexcept;

private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept;
  bool skip_blanks_and_comments() noexcept;
  bool skip_block_comment() noexcept;
  void skip_line_comment() noexcept;
  SqlToken word() noexcept;
  SqlToken value() noexcept;
  SqlToken string(std::size_t prefix, bool backslash_escapes) noexcept;
  SqlToken quoted_name(std::size_t prefix) noexcept;
  SqlToken dollar() noexcept;
  /// Strings with only a line break between them are one string, and an E before the first applies to all. Moves to the
  /// opening quote of the next part, or not at all.
  bool skip_to_continued_string() noexcept;

  std::string_view sql_;
  std::size_t at_ = 0;
};

} // namespace projector::pg
