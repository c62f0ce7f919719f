#include "pg/statement_lexer.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using projector::pg::refuse_statement;

bool refused(std::string_view sql) {
  return refuse_statement(sql).has_value();
}

void require(bool holds, std::string_view what, std::string_view sql) {
  if (holds) {
    return;
  }
  std::fprintf(stderr, "%.*s, for this statement, here in hexadecimal:\n", static_cast<int>(what.size()), what.data());
  for (const char byte : sql) {
    std::fprintf(stderr, "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
  std::fprintf(stderr, "\n%.*s\n", static_cast<int>(sql.size()), sql.data());
  std::abort();
}

void check_message(std::string_view sql) {
  constexpr std::size_t kLongest = 500;
  const auto refusal = refuse_statement(sql);
  if (refusal) {
    require(!refusal->empty() && refusal->size() <= kLongest, "a refusal is a sentence", sql);
    require(refusal->find('\0') == std::string::npos, "a refusal holds no NUL byte", sql);
  }
}

void check_what_stands_around(const std::string& sql) {
  const bool verdict = refused(sql);
  for (const std::string_view before : {" ", "\n\t", "-- a\n", "/* ' /* \" */ $$ */", ";", "; ;\r"}) {
    require(refused(std::string(before) + sql) == verdict, "blanks, comments and semicolons in front change nothing",
            sql);
  }
  for (const std::string_view after : {";", " ", "\n", "\n;", "\n-- a", "\n/* a */"}) {
    require(refused(sql + std::string(after)) == verdict, "an end of the statement changes nothing", sql);
  }
}

void check_second_statements(const std::string& sql) {
  require(refused("BEGIN;" + sql), "BEGIN in front is refused", sql);
  // In parentheses, and in the body of a function, a semicolon does not end the statement.
  if (sql.find('(') == std::string::npos && sql.find("ATOMIC") == std::string::npos) {
    require(refused(sql + "\n;COMMIT"), "COMMIT behind is refused", sql);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string sql(data, data + size);
  check_message(sql);
  check_what_stands_around(sql);
  check_second_statements(sql);
  return 0;
}
