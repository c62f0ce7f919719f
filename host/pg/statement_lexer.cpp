#include "pg/statement_lexer.hpp"

#include "pg/sql_tokens.hpp"
#include "pg/statement_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace projector::pg {
namespace {

using Kind = SqlToken::Kind;
using Refusal = std::optional<std::string>;

template <std::size_t N>
const rules::Advice* find_advice(const std::array<rules::Advice, N>& list, std::string_view text) {
  const auto* found = std::find_if(list.begin(), list.end(), [text](const rules::Advice& advice) {
    return equals_ignoring_case(text, advice.word);
  });
  return found == list.end() ? nullptr : found;
}

bool is_session_lock(const SqlToken& token) {
  constexpr std::size_t kShortest = std::string_view("pg_advisory_lock").size();
  return token.text.size() >= kShortest && std::any_of(rules::kSessionLocks.begin(), rules::kSessionLocks.end(),
                                                       [&](std::string_view name) { return token.is_name(name); });
}

/// pg_temp and pg_temp_3.
bool is_temporary_schema(const SqlToken& token) {
  constexpr std::string_view kPrefix = "pg_temp";
  if (token.text.size() < kPrefix.size()) {
    return false;
  }
  SqlToken start = token;
  start.text = token.text.substr(0, kPrefix.size());
  const std::string_view rest = token.text.substr(kPrefix.size());
  return start.is_name(kPrefix) &&
         (rest.empty() || (rest.front() == '_' && rest.find_first_not_of("0123456789", 1) == std::string_view::npos));
}

/// Checks one statement.
class StatementCheck {
public:
  explicit StatementCheck(std::string_view sql) : sql_(sql), tokens_(sql) {}

  Refusal run() {
    if (const auto nul = sql_.find('\0'); nul != std::string_view::npos) {
      return refuse("a NUL byte", nul, "the server would cut the statement there; pass such bytes as a parameter");
    }
    SqlToken first = tokens_.next();
    while (first.is_symbol(';')) {
      first = tokens_.next();
    }
    Refusal refusal = check_first(first);
    return refusal ? refusal : check_all(first);
  }

private:
  [[nodiscard]] std::string refuse(std::string_view found, std::size_t offset, std::string_view instead) const {
    const std::string_view before = sql_.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto line_start = before.rfind('\n');
    const auto column = line_start == std::string_view::npos ? offset + 1 : offset - line_start;
    return fmt::format("{} at line {}, column {} of the statement: {}", found, line, column, instead);
  }

  [[nodiscard]] std::string refuse(const SqlToken& token, std::string_view instead) const {
    if (token.kind == Kind::Unterminated) {
      return refuse(fmt::format("a {} that does not end", token.text), token.offset, "close it");
    }
    constexpr std::size_t kMost = 40;
    if (token.text.size() <= kMost) {
      return refuse(token.text, token.offset, instead);
    }
    std::size_t end = kMost;
    while (end > 0 && (static_cast<unsigned char>(token.text[end]) & 0xC0) == 0x80) {
      --end;
    }
    return refuse(fmt::format("{}..", token.text.substr(0, end)), token.offset, instead);
  }

  Refusal check_first(SqlToken& first) {
    if (first.kind == Kind::End) {
      return "the statement is empty: pass one SQL statement";
    }
    const SqlToken opening = first;
    while (first.is_symbol('(')) {
      ++parentheses_;
      first = tokens_.next();
    }
    if (first.kind == Kind::Unterminated) {
      return refuse(first, {});
    }
    if (opening.is_symbol('(') && !first.is_word("select") && !first.is_word("values") && !first.is_word("table") &&
        !first.is_word("with")) {
      return refuse(opening, "a statement in parentheses begins with SELECT, VALUES, TABLE or WITH");
    }
    if (first.kind != Kind::Word) {
      return refuse(first, "a statement begins with a keyword such as SELECT, INSERT or UPDATE");
    }
    return check_keyword(first);
  }

  Refusal check_keyword(const SqlToken& first) {
    if (const rules::Advice* advice = find_advice(rules::kRefused, first.text)) {
      return refuse(first, advice->instead);
    }
    if (std::none_of(rules::kAllowed.begin(), rules::kAllowed.end(),
                     [&](std::string_view word) { return first.is_word(word); })) {
      return refuse(first,
                    "it does not begin a statement that a plugin may run, which are SELECT, INSERT, UPDATE, DELETE, "
                    "MERGE, WITH, VALUES, TABLE, statements that define tables and the like, and SET LOCAL");
    }
    if (first.is_word("set")) {
      return check_set(first);
    }
    if (first.is_word("declare")) {
      return check_declare();
    }
    if (first.is_word("create") || first.is_word("alter") || first.is_word("drop")) {
      defines_ = true;
      return check_definition();
    }
    return {};
  }

  Refusal check_set(const SqlToken& first) const {
    SqlTokens ahead = tokens_;
    const SqlToken scope = ahead.next();
    if (scope.is_word("constraints")) {
      return {};
    }
    if (scope.is_word("transaction")) {
      return refuse(scope, find_advice(rules::kHostSettings, "transaction")->instead);
    }
    return scope.is_word("local") ? check_setting(ahead.next()) : refuse(first, rules::kSetLocal);
  }

  Refusal check_setting(const SqlToken& name) const {
    const rules::Advice* advice = find_advice(rules::kHostSettings, name.text);
    return advice == nullptr ? Refusal{} : refuse(name, advice->instead);
  }

  Refusal check_declare() const {
    SqlTokens ahead = tokens_;
    SqlToken previous;
    for (SqlToken token = ahead.next(); token.kind != Kind::End && !token.is_word("for"); token = ahead.next()) {
      if (token.is_word("hold") && previous.is_word("with")) {
        return refuse(token, "a cursor WITH HOLD would outlive the transaction; declare it without HOLD");
      }
      previous = token;
    }
    return {};
  }

  Refusal check_definition() {
    SqlTokens ahead = tokens_;
    SqlToken object = ahead.next();
    while (object.is_word("or") || object.is_word("replace")) {
      object = ahead.next();
    }
    has_body_ = object.is_word("function") || object.is_word("procedure");
    const bool outside = std::any_of(rules::kOutsideTransactions.begin(), rules::kOutsideTransactions.end(),
                                     [&](std::string_view word) { return object.is_word(word); });
    return outside ? Refusal{refuse(object, rules::kOperators)} : Refusal{};
  }

  Refusal check_all(const SqlToken& first) {
    bool ended = false;
    for (SqlToken token = first; token.kind != Kind::End; previous_ = token, token = tokens_.next()) {
      if (token.kind == Kind::Unterminated) {
        return refuse(token, {});
      }
      if (token.is_symbol(';') && parentheses_ == 0 && body_ == 0) {
        ended = true;
        continue;
      }
      if (ended) {
        return refuse(token, "it begins a second statement; pass each statement on its own");
      }
      if (Refusal refusal = check_token(token)) {
        return refusal;
      }
    }
    return {};
  }

  Refusal check_token(const SqlToken& token) {
    const bool after_creating = std::exchange(creating_, false);
    if (token.is_symbol('(')) {
      ++parentheses_;
    } else if (token.is_symbol(')') && parentheses_ > 0) {
      --parentheses_;
    }
    if (token.kind != Kind::Word && token.kind != Kind::QuotedName) {
      return {};
    }
    if (is_session_lock(token)) {
      return refuse(token, "a session's advisory lock would outlive the transaction; call pg_advisory_xact_lock or "
                           "pg_try_advisory_xact_lock, which end with it");
    }
    if (is_temporary_schema(token)) {
      return check_temporary_schema(token);
    }
    if (token.is_name("set_config")) {
      return check_set_config(token);
    }
    return token.kind == Kind::Word ? check_word(token, after_creating) : Refusal{};
  }

  Refusal check_word(const SqlToken& token, bool after_creating) {
    if (after_creating && (token.is_word("temp") || token.is_word("temporary"))) {
      return refuse(token, rules::kTemporary);
    }
    if (defines_ && token.is_word("concurrently")) {
      return refuse(token,
                    "it cannot run in a transaction; leave CONCURRENTLY out, or run it from a session of your own");
    }
    const bool into_new_table = token.is_word("into") && !previous_.is_word("insert") && !previous_.is_word("merge");
    const bool goes_on = after_creating && (token.is_word("or") || token.is_word("replace") || token.is_word("local") ||
                                            token.is_word("global"));
    creating_ = token.is_word("create") || into_new_table || goes_on;
    if (has_body_ && parentheses_ == 0) {
      follow_body(token);
    }
    return {};
  }

  /// Semicolons within BEGIN ATOMIC .. END belong to the function's body.
  void follow_body(const SqlToken& token) {
    const bool begins_body = token.is_word("atomic") && previous_.is_word("begin");
    if (begins_body || (token.is_word("case") && body_ > 0)) {
      ++body_;
    } else if (token.is_word("end") && body_ > 0) {
      --body_;
    }
  }

  /// pg_temp as the last schema of a search_path is allowed; it is recommended for SECURITY DEFINER functions.
  Refusal check_temporary_schema(const SqlToken& token) const {
    SqlTokens ahead = tokens_;
    if (previous_.is_symbol(',') && !ahead.next().is_symbol('.')) {
      return {};
    }
    return refuse(token, rules::kTemporary);
  }

  /// set_config(name, value, is_local) is allowed if is_local is the literal true.
  Refusal check_set_config(const SqlToken& token) const {
    SqlTokens ahead = tokens_;
    if (!ahead.next().is_symbol('(')) {
      return {};
    }
    struct Argument {
      std::size_t tokens = 0;
      SqlToken first, last;
    };
    std::array<Argument, 3> arguments;
    std::size_t at = 0;
    std::size_t depth = 1;
    for (SqlToken part = ahead.next(); part.kind != Kind::End && part.kind != Kind::Unterminated; part = ahead.next()) {
      depth += part.is_symbol('(') ? 1 : 0;
      depth -= part.is_symbol(')') ? 1 : 0;
      if (depth == 0) {
        break;
      }
      if (depth == 1 && part.is_symbol(',')) {
        ++at;
      } else if (at < arguments.size()) {
        Argument& argument = arguments[at];
        argument.first = argument.tokens++ == 0 ? part : argument.first;
        argument.last = part;
      }
    }
    const Argument& name = arguments[0];
    const Argument& local = arguments[2];
    const bool plain = local.tokens == 1;
    const bool named = local.tokens == 4 && local.first.is_word("is_local"); // is_local => true, is_local := true
    if (depth != 0 || at != 2 || !(plain || named) || !local.last.is_word("true")) {
      return refuse(token, "without the word true as its third argument, is_local, the setting would outlive the "
                           "transaction; write set_config(name, value, true)");
    }
    return name.tokens == 1 && name.first.kind == Kind::String ? check_setting(name.first) : Refusal{};
  }

  std::string_view sql_;
  SqlTokens tokens_;
  SqlToken previous_;
  std::size_t parentheses_ = 0;
  std::size_t body_ = 0;  ///< number of open BEGIN ATOMIC and CASE
  bool defines_ = false;  ///< begins with CREATE, ALTER or DROP
  bool has_body_ = false; ///< CREATE FUNCTION or PROCEDURE
  bool creating_ = false; ///< TEMP as the next word makes something temporary
};

} // namespace

std::optional<std::string> refuse_statement(std::string_view sql) {
  return StatementCheck(sql).run();
}

} // namespace projector::pg
