#include "pg/dsn_problem.hpp"

#include "pg/connection.hpp"
#include "pg/connection_info.hpp"
#include "pg/server_error.hpp"

#include <algorithm>

namespace projector::pg {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\f\v";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

bool is_uri(std::string_view dsn) {
  return dsn.starts_with("postgresql://") || dsn.starts_with("postgres://");
}

/// In "keyword = value ..": the keyword whose value stands before the first occurrence of `word`; empty if there is
/// none.
std::string_view keyword_before(std::string_view dsn, std::string_view word) {
  std::string_view before;
  const auto skip_blanks = [&] { dsn.remove_prefix(std::min(dsn.find_first_not_of(kBlanks), dsn.size())); };
  for (skip_blanks(); !dsn.empty(); skip_blanks()) {
    const std::string_view name = dsn.substr(0, dsn.find_first_of("= \t\r\n\f\v"));
    dsn.remove_prefix(name.size());
    skip_blanks();
    if (name == word || !dsn.starts_with('=')) {
      return before;
    }
    before = name;
    dsn.remove_prefix(1);
    skip_blanks();
    const bool quoted = dsn.starts_with('\'');
    std::size_t end = quoted ? 1 : 0;
    while (end < dsn.size() && (quoted ? dsn[end] != '\'' : kBlanks.find(dsn[end]) == std::string_view::npos)) {
      end += dsn[end] == '\\' ? 2 : 1;
    }
    dsn.remove_prefix(std::min(end + (quoted ? 1 : 0), dsn.size()));
  }
  return {};
}

bool is_secret(std::string_view keyword) {
  return keyword == "password" || keyword == "sslpassword";
}

/// Whether libpq has quoted a keyword, which may be shown. Parts of a password that is not quoted or encoded correctly
/// can appear in a keyword's place.
bool is_keyword(std::string_view dsn, std::string_view message, std::string_view word) {
  if (word.empty() || word.find_first_not_of(kLetters) != std::string_view::npos) {
    return false;
  }
  if (is_uri(dsn)) {
    return message.starts_with("invalid URI query parameter") && dsn.rfind('@') < dsn.find('?');
  }
  // The first word may be any text, e.g. a password alone, and is not shown.
  const bool named = message.starts_with("invalid connection option");
  const bool after_keyword = message.starts_with("missing \"=\"") && dsn.find('=') != std::string_view::npos;
  return (named || after_keyword) && !is_secret(keyword_before(dsn, word));
}

/// Hides the parts of the DSN that libpq quotes in its message.
std::string without_values(std::string_view dsn, std::string_view message) {
  std::string shown;
  std::size_t from = 0;
  for (;;) {
    const auto open = message.find('"', from);
    const auto close = open == std::string_view::npos ? open : message.find('"', open + 1);
    if (close == std::string_view::npos) {
      return shown.append(message.substr(from, open == std::string_view::npos ? open : open - from));
    }
    const auto quoted = message.substr(open + 1, close - open - 1);
    const bool harmless = quoted == "=" || is_keyword(dsn, message, quoted);
    shown.append(message.substr(from, open - from)).append("\"").append(harmless ? quoted : "***").append("\"");
    from = close + 1;
  }
}

} // namespace

std::string explain_dsn(const std::string& dsn, std::string_view message) {
  const std::string line = one_line(message);
  std::string text = "the DSN cannot be read: " + without_values(dsn, line);
  const auto close = line.rfind('"');
  if (!is_uri(dsn) && close != std::string::npos && close > 0) {
    const auto open = line.rfind('"', close - 1) + 1;
    if (const auto before = keyword_before(dsn, line.substr(open, close - open)); is_secret(before)) {
      text += " (after " + std::string(before) + ": a value with a blank, a quote or a backslash is written in '..')";
    }
  }
  return text + "; expected \"host=.. dbname=..\" or \"postgresql://..\"";
}

std::string dsn_problem(const std::string& dsn) {
  try {
    ConnectOptions options;
    options.dsn = dsn;
    const ConnectionInfo info(options);
    return {};
  } catch (const InvalidDsn& invalid) {
    return invalid.what();
  }
}

} // namespace projector::pg
