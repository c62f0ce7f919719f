#pragma once

#include <string>

struct pg_conn;

namespace projector::pg {

/// Why a connection could not be made.
struct ConnectionRefusal {
  std::string text;     ///< libpq's message, without SQLSTATEs and places in the server's source
  std::string sqlstate; ///< of the server that was tried last; empty if it did not respond
};

/// Why a connection attempt with PQERRORS_VERBOSE has failed.
ConnectionRefusal connection_refusal(const pg_conn* connection);

/// The same from libpq's message alone.
ConnectionRefusal read_refusal(const std::string& message);

} // namespace projector::pg
