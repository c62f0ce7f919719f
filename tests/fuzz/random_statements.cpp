#include "random_inputs.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace {

using namespace std::string_view_literals;

constexpr std::array kBeginnings = {
    "SELECT"sv,
    "INSERT INTO"sv,
    "WITH"sv,
    "CREATE"sv,
    "SET LOCAL"sv,
    "DECLARE c CURSOR"sv,
    "UPDATE"sv,
    "(SELECT"sv,
    "ALTER TABLE t"sv,
    "DO"sv,
    "SET"sv,
    "CREATE FUNCTION f()"sv,
    "COMMIT"sv,
    "DROP INDEX"sv,
    "VALUES (1)"sv,
    "COPY t"sv,
    "SET CONSTRAINTS"sv,
    "EXPLAIN SELECT"sv,
};

constexpr std::array kFragments = {
    " "sv,           " "sv,
    " "sv,           "\n"sv,
    "\r"sv,          "\t"sv,
    ";"sv,           "'"sv,
    "''"sv,          "'a'"sv,
    "E'"sv,          "e'\\'"sv,
    "U&'"sv,         "B'1'"sv,
    "\""sv,          "\"\""sv,
    "\"a\""sv,       "U&\""sv,
    "$$"sv,          "$a$"sv,
    "$a"sv,          "$1"sv,
    "$"sv,           "--"sv,
    "-- a\n"sv,      "/*"sv,
    "*/"sv,          "/* a */"sv,
    "("sv,           ")"sv,
    ","sv,           "."sv,
    "="sv,           "=>"sv,
    "\\"sv,          "a"sv,
    "1"sv,           "1.5e3"sv,
    "COMMIT"sv,      "TEMP"sv,
    "INTO"sv,        "CREATE"sv,
    "LOCAL"sv,       "OR REPLACE"sv,
    "FUNCTION"sv,    "BEGIN"sv,
    "ATOMIC"sv,      "END"sv,
    "CASE"sv,        "FOR"sv,
    "WITH HOLD"sv,   "pg_temp"sv,
    "true"sv,        "false"sv,
    "set_config("sv, "pg_advisory_lock"sv,
    "is_local"sv,    "SELECT"sv,
    "role"sv,        "FROM t"sv,
    "\xC3\xA4"sv,    "\xFF"sv,
    "\0"sv,          "INSERT"sv,
    "'a', 'b', "sv,  "CONCURRENTLY"sv,
};

class Statements {
public:
  explicit Statements(std::uint32_t seed) : random_(seed) {}

  std::string next() {
    std::string sql;
    if (below(8) != 0) {
      sql.append(kBeginnings[below(kBeginnings.size())]).append(" ");
    }
    for (std::size_t left = below(14); left > 0; --left) {
      sql.append(kFragments[below(kFragments.size())]);
      if (below(3) == 0) {
        sql.append(" ");
      }
    }
    if (!sql.empty() && below(10) == 0) {
      sql[below(sql.size())] = static_cast<char>(below(256));
    }
    return sql;
  }

private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::mt19937 random_;
};

} // namespace

int main(int argc, char** argv) {
  return projector::fuzz::run_random_inputs<Statements>(argc, argv);
}
