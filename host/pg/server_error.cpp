#include "pg/server_error.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <stdexcept>

namespace projector::pg {

namespace {

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : text;
}

} // namespace

bool failed(const Result& result) {
  if (!result) {
    return false;
  }
  switch (PQresultStatus(result.get())) {
  case PGRES_FATAL_ERROR:
  case PGRES_NONFATAL_ERROR:
  case PGRES_BAD_RESPONSE:
    return true;
  default:
    return false;
  }
}

std::string one_line(std::string_view message) {
  std::string line;
  while (!message.empty()) {
    const auto end = std::min(message.find('\n'), message.size());
    std::string_view part = message.substr(0, end);
    part.remove_prefix(std::min(part.find_first_not_of(" \t\r"), part.size()));
    part = part.substr(0, part.find_last_not_of(" \t\r") + 1);
    if (!part.empty()) {
      line.append(line.empty() ? "" : "; ").append(part);
    }
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return line;
}

Error server_error(const pg_result* result) {
  const auto severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const auto sqlstate = field(result, PG_DIAG_SQLSTATE);
  const bool lost = severity == "FATAL" || severity == "PANIC" || sqlstate.empty();
  std::string message = one_line(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (message.empty() || sqlstate.empty()) {
    message = one_line(PQresultErrorMessage(result));
  }
  if (message.empty()) {
    message = "the server has sent an unexpected result: " + std::string(PQresStatus(PQresultStatus(result)));
  }
  if (const auto detail = field(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty()) {
    message += ", detail: " + one_line(detail);
  }
  if (const auto hint = field(result, PG_DIAG_MESSAGE_HINT); !hint.empty()) {
    message += ", hint: " + one_line(hint);
  }
  return {lost ? Error::Kind::Connection : Error::Kind::Statement, std::string(sqlstate), message};
}

void check_statement(std::string_view sql, const Parameters& parameters) {
  constexpr std::size_t kMostParameters = 65535; // the protocol counts them in 16 bits
  if (const auto at = sql.find('\0'); at != std::string_view::npos) {
    throw std::invalid_argument("a statement has a NUL byte at offset " + std::to_string(at) +
                                "; send such data as a bytea parameter");
  }
  if (parameters.size() > kMostParameters) {
    throw std::invalid_argument("a statement has " + std::to_string(parameters.size()) +
                                " parameters; PostgreSQL takes 65535 at most: send arrays and unnest them");
  }
}

} // namespace projector::pg
