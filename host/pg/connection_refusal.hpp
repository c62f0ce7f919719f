#pragma once

#include <string>

struct pg_conn;

namespace projector::pg {

/// Why a connection could not be made.
struct ConnectionRefusal {
  std::string text;     ///< libpq's message, without SQLSTATEs and places in the server's source
  std::string sqlstate; ///< of the server that was asked last; empty where none answered
};

/// Of a connection whose attempt has failed, with PQERRORS_VERBOSE.
ConnectionRefusal connection_refusal(const pg_conn* connection);

/// The same from libpq's message alone.
ConnectionRefusal read_refusal(const std::string& message);

} // namespace projector::pg
