#include "pg/connection_info.hpp"

#include "pg/connection.hpp"
#include "pg/dsn_problem.hpp"

#include <libpq-fe.h>

#include <cstdlib>
#include <memory>

namespace projector::pg {

namespace {

using ParsedInfo = std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)>;

ParsedInfo parse(const std::string& dsn) {
  char* said = nullptr;
  ParsedInfo parsed(PQconninfoParse(dsn.c_str(), &said), PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> owned(said, PQfreemem);
  if (!parsed) {
    throw InvalidDsn(explain_dsn(dsn, said == nullptr ? "" : said));
  }
  return parsed;
}

} // namespace

ConnectionInfo::ConnectionInfo(const ConnectOptions& options)
    : dsn_(options.dsn), application_name_(options.application_name), timeout_(options.connect_timeout) {
  const auto parsed = parse(dsn_);
  for (const auto* option = parsed.get(); option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    if (option->val != nullptr && keyword == "password") {
      password_ = option->val;
    } else if (option->val != nullptr && keyword == "connect_timeout" && std::atoi(option->val) > 0) {
      timeout_ = std::chrono::seconds(std::atoi(option->val));
    }
  }
  const auto add = [this](const char* keyword, const char* value) {
    keywords_.push_back(keyword);
    values_.push_back(value);
  };
  // Later values win, and "dbname" is the whole DSN, so values before it are defaults.
  add("keepalives", "1");
  add("keepalives_idle", "30");
  add("keepalives_interval", "10");
  add("keepalives_count", "3");
  add("tcp_user_timeout", "30000");
  add("dbname", dsn_.c_str());
  add("fallback_application_name", application_name_.c_str());
  add("client_encoding", "UTF8");
  add(nullptr, nullptr);
}

std::string ConnectionInfo::without_password(std::string text) const {
  if (password_.empty()) {
    return text;
  }
  for (auto at = text.find(password_); at != std::string::npos; at = text.find(password_, at + 3)) {
    text.replace(at, password_.size(), "***");
  }
  return text;
}

} // namespace projector::pg
