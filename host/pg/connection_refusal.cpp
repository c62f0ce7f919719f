#include "pg/connection_refusal.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <sstream>
#include <string_view>

namespace projector::pg {
namespace {

constexpr std::size_t kSqlstateLength = 5;

/// Offset of the SQLSTATE in "FATAL:  28P01: ", or npos. The severity may be in any language.
std::size_t find_sqlstate(const std::string& line) {
  constexpr std::string_view kBefore = ":  ";
  for (auto at = line.find(kBefore); at != std::string::npos; at = line.find(kBefore, at + 1)) {
    const auto begin = at + kBefore.size();
    const auto end = begin + kSqlstateLength;
    if (end + 1 < line.size() && line[end] == ':' && line[end + 1] == ' ' &&
        std::all_of(line.begin() + static_cast<std::ptrdiff_t>(begin), line.begin() + static_cast<std::ptrdiff_t>(end),
                    [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); })) {
      return begin;
    }
  }
  return std::string::npos;
}

} // namespace

ConnectionRefusal read_refusal(const std::string& message) {
  ConnectionRefusal refusal;
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("LOCATION:  ")) {
      continue;
    }
    if (line.starts_with("connection to server ")) {
      refusal.sqlstate.clear(); // another server, or another address of it
    }
    if (const auto at = find_sqlstate(line); at != std::string::npos) {
      refusal.sqlstate = line.substr(at, kSqlstateLength);
      line.erase(at, kSqlstateLength + 2);
    }
    refusal.text += line + '\n';
  }
  return refusal;
}

ConnectionRefusal connection_refusal(const pg_conn* connection) {
  auto refusal = read_refusal(PQerrorMessage(connection));
  if (refusal.sqlstate.empty() && PQconnectionNeedsPassword(connection) != 0) {
    refusal.sqlstate = "28P01";
  }
  return refusal;
}

} // namespace projector::pg
