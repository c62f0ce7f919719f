#pragma once

#include "pg/error.hpp"
#include "pg/parameters.hpp"
#include "pg/result.hpp"

namespace projector::pg {

[[nodiscard]] bool failed(const Result& result);

/// What a failed PGresult says: the primary message, ", detail: .." and ", hint: .." where there are any. Of
/// Kind::Connection when the server ended the session with it (FATAL, PANIC), or when libpq made it up.
Error server_error(const pg_result* result);

/// libpq's message as one line: no blanks at its ends, line breaks as "; ".
std::string one_line(std::string_view message);

/// Throws std::invalid_argument for what libpq would cut or refuse before it reaches the server: a NUL byte in the
/// statement, more than 65535 parameters.
void check_statement(std::string_view sql, const Parameters& parameters);

} // namespace projector::pg
