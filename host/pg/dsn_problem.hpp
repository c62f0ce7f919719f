#pragma once

#include <string>
#include <string_view>

namespace projector::pg {

/// Why libpq cannot parse this DSN, as a message for operators; empty if it can. Does not connect.
std::string dsn_problem(const std::string& dsn);

/// The same from libpq's error `message`. Shows a wrong keyword, but never a value.
std::string explain_dsn(const std::string& dsn, std::string_view message);

} // namespace projector::pg
