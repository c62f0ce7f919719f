#pragma once

#include "pg/error.hpp"
#include "pg/parameters.hpp"
#include "pg/result.hpp"

namespace projector::pg {

[[nodiscard]] bool failed(const Result& result);

/// The error of a failed PGresult: the primary message, and ", detail: .." and ", hint: .." if it has them. It is of
/// Kind::Connection if the server ended the session with it (FATAL, PANIC), or if it comes from libpq and not from the
/// server.
Error server_error(const pg_result* result);

/// libpq's message as one line: no blanks at its ends, line breaks as "; ".
std::string one_line(std::string_view message);

/// Throws std::invalid_argument for statements that libpq would truncate or refuse: with a NUL byte, or with more than
/// 65535 parameters.
void check_statement(std::string_view sql, const Parameters& parameters);

} // namespace projector::pg
