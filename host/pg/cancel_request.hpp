#pragma once

#include "base/clock.hpp"

struct pg_conn;

namespace projector::pg {

/// Requests the server to cancel the running statement of a connection, and waits at most `limit` until the request is
/// delivered. If the server does not respond in time, a detached thread goes on sending the request.
void request_cancel(pg_conn* connection, base::Duration limit) noexcept;

} // namespace projector::pg
