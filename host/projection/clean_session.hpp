#pragma once

#include "pg/pool.hpp"

#include <string_view>

namespace projector::projection {

/// Borrows a session in which nothing is left of what another owner's statements may have kept there: settings, the
/// role, temporary tables, cursors, LISTEN, advisory locks. Prepared statements stay. Throws as Pool::borrow.
pg::Pool::Lease borrow_clean_session(pg::Pool& pool, std::string_view owner, const base::Stop& stop,
                                     base::Duration grace);

} // namespace projector::projection
