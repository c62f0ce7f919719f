#include "projection/store_memory.hpp"

#include "projection/bounded_statement.hpp"

#include <fmt/format.h>

namespace projector::projection {

eventlog::RememberedStore read_store_memory(pg::Connection& connection, const CheckpointTables& tables,
                                            const eventlog::StoreIdentity& identity, bool same_server) {
  const auto row = explaining_locks(connection, [&](pg::Connection& session) {
    return exec_bounded(
        session, std::chrono::seconds(5),
        fmt::format("SELECT store, settled, timeline, marks FROM {} WHERE store = $1 OR (starts_with(store, $1 || '#') "
                    "AND substr(store, length($1) + 2) ~ '^[0-9]{{1,9}}$') ORDER BY CASE WHEN store = $1 THEN 1 ELSE "
                    "substr(store, length($1) + 2)::int END DESC LIMIT 1",
                    tables.stores),
        pg::Parameters{}.text(identity.store, 25));
  });
  eventlog::RememberedStore remembered;
  remembered.table = tables.stores;
  if (row.rows() == 0) {
    return remembered;
  }
  remembered.store = std::string(row.bytes(0, 0));
  remembered.settled = row.int8(0, 1);
  if (!same_server) {
    remembered.timeline = row.int8(0, 2);
  }
  remembered.marks = eventlog::parse_marks(row.bytes(0, 3));
  return remembered;
}

} // namespace projector::projection
