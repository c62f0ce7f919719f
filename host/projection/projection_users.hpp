#pragma once

#include "base/clock.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <string>
#include <vector>

namespace projector::projection {

/// Who runs the partitions with these checkpoint names and has shown life within `limit`, by host and with the age of
/// that sign, for people; empty: nobody but perhaps `own_host`.
std::string running_workers(pg::Connection& connection, const CheckpointTables& tables,
                            const std::vector<std::string>& names, const std::string& own_host, base::Duration limit);

/// Who holds what a transaction that took the projection's lock and then rows of these names has waited for in vain,
/// for people, with what ends it. `base` is the base name of the checkpoint. Rows show the last locker only, and only
/// one that is alone; a transaction that has ended meanwhile is not found either.
std::string lock_holders(pg::Connection& connection, const CheckpointTables& tables, const std::string& base,
                         const std::vector<std::string>& names);

} // namespace projector::projection
