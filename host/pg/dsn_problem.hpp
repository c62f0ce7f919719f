#pragma once

#include <string>
#include <string_view>

namespace projector::pg {

/// Why this DSN cannot be used, as a sentence for people; empty where libpq can read it. Asks no server.
std::string dsn_problem(const std::string& dsn);

/// The same, of a DSN about which libpq has said `message`: a wrong keyword is shown, and no value.
std::string explain_dsn(const std::string& dsn, std::string_view message);

} // namespace projector::pg
