#include "projection/clean_session.hpp"

namespace projector::projection {

pg::Pool::Lease borrow_clean_session(pg::Pool& pool, std::string_view owner, const base::Stop& stop,
                                     base::Duration grace) {
  auto lease = pool.borrow(owner, stop, grace);
  // Behind a pooler it is not known whose session a reset would reach; nothing is kept there for longer than a
  // transaction.
  if (lease.needs_reset() && lease->own_session()) {
    lease->script("CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); RESET SESSION AUTHORIZATION; RESET ALL; "
                  "DISCARD TEMP; DISCARD SEQUENCES");
  }
  lease.reset_done();
  return lease;
}

} // namespace projector::projection
