#pragma once

#include "base/clock.hpp"

struct pg_conn;

namespace projector::pg {

/// Asks the server to cancel what a connection's session runs now, and waits for the request to be delivered, for at
/// most `limit`. A server that does not answer gets the request from a thread of its own, which nobody waits for.
void request_cancel(pg_conn* connection, base::Duration limit) noexcept;

} // namespace projector::pg
