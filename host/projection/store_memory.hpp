#pragma once

#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

namespace projector::projection {

/// What this database keeps about an event store, or about the newest of the stores that the same table was made by an
/// operator (identities that end in #2, #3 ..). `same_server`: the event store is a database of this server. Throws
/// pg::Error, pg::Interrupted.
eventlog::RememberedStore read_store_memory(pg::Connection& connection, const CheckpointTables& tables,
                                            const eventlog::StoreIdentity& identity, bool same_server);

} // namespace projector::projection
