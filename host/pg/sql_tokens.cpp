#include "pg/sql_tokens.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace projector::pg {
namespace {

using Kind = SqlToken::Kind;

constexpr unsigned kStartsWord = 1;
constexpr unsigned kContinuesWord = 2;
constexpr unsigned kDigit = 4;
constexpr unsigned kBlank = 8;

constexpr std::array<unsigned char, 256> classify() {
  std::array<unsigned char, 256> classes{};
  for (unsigned byte = 0; byte < classes.size(); ++byte) {
    const bool digit = byte >= '0' && byte <= '9';
    const bool starts_word =
        (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' || byte >= 0x80;
    const bool blank = byte == ' ' || (byte >= '\t' && byte <= '\r');
    classes[byte] =
        static_cast<unsigned char>((starts_word ? kStartsWord : 0) | (digit ? kDigit : 0) |
                                   (starts_word || digit || byte == '$' ? kContinuesWord : 0) | (blank ? kBlank : 0));
  }
  return classes;
}

constexpr auto kClasses = classify();

constexpr bool is(unsigned byte_class, char c) {
  return (kClasses[static_cast<unsigned char>(c)] & byte_class) != 0;
}
constexpr bool is_digit(char c) {
  return is(kDigit, c);
}
constexpr bool starts_word(char c) {
  return is(kStartsWord, c);
}
constexpr bool continues_tag(char c) {
  return is(kStartsWord | kDigit, c);
}
constexpr bool continues_word(char c) {
  return is(kContinuesWord, c);
}
constexpr bool is_blank(char c) {
  return is(kBlank, c);
}
constexpr bool is_newline(char c) {
  return c == '\n' || c == '\r';
}
constexpr char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

char SqlTokens::peek(std::size_t ahead) const noexcept {
  return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
}

SqlToken SqlTokens::next() noexcept {
  if (!skip_blanks_and_comments()) {
    const std::size_t start = at_;
    at_ = sql_.size();
    return {Kind::Unterminated, "comment", start};
  }
  if (at_ == sql_.size()) {
    return {Kind::End, {}, at_};
  }
  const char first = lowered(peek());
  if (starts_word(first) && peek(1) != '\'' && peek(1) != '&') {
    return word();
  }
  if (first == '\'') {
    return string(0, false);
  }
  if (first == '"') {
    return quoted_name(0);
  }
  if (first == '$') {
    return dollar();
  }
  if (peek(1) == '\'' && (first == 'e' || first == 'b' || first == 'x' || first == 'n')) {
    return string(1, first == 'e');
  }
  if (first == 'u' && peek(1) == '&' && peek(2) == '\'') {
    return string(2, false);
  }
  if (first == 'u' && peek(1) == '&' && peek(2) == '"') {
    return quoted_name(2);
  }
  if (starts_word(first)) {
    return word();
  }
  if (is_digit(first)) {
    return value();
  }
  return {Kind::Symbol, sql_.substr(at_++, 1), at_ - 1};
}

bool SqlTokens::skip_blanks_and_comments() noexcept {
  while (at_ < sql_.size()) {
    if (is_blank(peek())) {
      ++at_;
    } else if (peek() == '-' && peek(1) == '-') {
      skip_line_comment();
    } else if (peek() == '/' && peek(1) == '*') {
      if (!skip_block_comment()) {
        return false;
      }
    } else {
      break;
    }
  }
  return true;
}

void SqlTokens::skip_line_comment() noexcept {
  while (at_ < sql_.size() && !is_newline(peek())) {
    ++at_;
  }
}

bool SqlTokens::skip_block_comment() noexcept {
  const std::size_t start = at_;
  std::size_t depth = 0;
  while (at_ < sql_.size()) {
    if (peek() == '/' && peek(1) == '*') {
      ++depth;
      at_ += 2;
    } else if (peek() == '*' && peek(1) == '/') {
      at_ += 2;
      if (--depth == 0) {
        return true;
      }
    } else {
      ++at_;
    }
  }
  at_ = start;
  return false;
}

SqlToken SqlTokens::word() noexcept {
  const auto* const end = std::find_if_not(sql_.begin() + at_, sql_.end(), continues_word);
  const std::size_t start = std::exchange(at_, static_cast<std::size_t>(end - sql_.begin()));
  return {Kind::Word, sql_.substr(start, at_ - start), start};
}

SqlToken SqlTokens::value() noexcept {
  const std::size_t start = at_++;
  while (is_digit(peek())) {
    ++at_;
  }
  return {Kind::Value, sql_.substr(start, at_ - start), start};
}

SqlToken SqlTokens::string(std::size_t prefix, bool backslash_escapes) noexcept {
  const std::size_t start = at_;
  at_ += prefix + 1;
  const std::size_t inside = at_;
  while (at_ < sql_.size()) {
    const char c = sql_[at_++];
    if (c == '\\' && backslash_escapes) {
      at_ = std::min(at_ + 1, sql_.size());
    } else if (c == '\'') {
      const std::size_t end = at_ - 1;
      if (peek() == '\'' || skip_to_continued_string()) {
        ++at_;
      } else {
        return {Kind::String, sql_.substr(inside, end - inside), start};
      }
    }
  }
  return {Kind::Unterminated, "quoted string", start};
}

bool SqlTokens::skip_to_continued_string() noexcept {
  const std::size_t start = at_;
  bool line_break = false;
  while (at_ < sql_.size()) {
    if (is_blank(peek())) {
      line_break = line_break || is_newline(sql_[at_]);
      ++at_;
    } else if (peek() == '-' && peek(1) == '-') {
      skip_line_comment();
    } else {
      break;
    }
  }
  if (line_break && peek() == '\'') {
    return true;
  }
  at_ = start;
  return false;
}

SqlToken SqlTokens::quoted_name(std::size_t prefix) noexcept {
  const std::size_t start = at_;
  at_ += prefix + 1;
  const std::size_t inside = at_;
  while (at_ < sql_.size()) {
    if (sql_[at_++] == '"') {
      if (peek() != '"') {
        return {Kind::QuotedName, sql_.substr(inside, at_ - 1 - inside), start};
      }
      ++at_;
    }
  }
  return {Kind::Unterminated, "quoted name", start};
}

SqlToken SqlTokens::dollar() noexcept {
  const std::size_t start = at_;
  if (is_digit(peek(1))) {
    return value();
  }
  std::size_t length = 1;
  if (starts_word(peek(1))) {
    while (continues_tag(peek(length))) {
      ++length;
    }
  }
  if (peek(length) != '$') {
    return {Kind::Symbol, sql_.substr(at_++, 1), start};
  }
  const std::string_view tag = sql_.substr(start, length + 1);
  const std::size_t inside = start + tag.size();
  const std::size_t end = sql_.find(tag, inside);
  if (end == std::string_view::npos) {
    at_ = sql_.size();
    return {Kind::Unterminated, "dollar-quoted string", start};
  }
  at_ = end + tag.size();
  return {Kind::String, sql_.substr(inside, end - inside), start};
}

} // namespace projector::pg
