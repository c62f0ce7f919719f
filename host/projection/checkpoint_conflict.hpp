#pragma once

#include "pg/connection.hpp"
#include "projection/checkpoint.hpp"
#include "projection/stored_rows.hpp"

#include <optional>
#include <string>

namespace projector::projection {

/// Why the projection would write into the tables of another one on the same plugin; empty: it would not. Of two, the
/// one whose checkpoint was made first goes on. Holds a lock until the transaction ends, so that of two that start at
/// the same time one sees the other. Throws pg::Error, pg::Interrupted.
std::string refuse_shared_tables(pg::Connection& connection, const CheckpointTables& tables,
                                 const CheckpointRequest& request);

/// That reason, for `projection`, which comes after `first` on the same plugin in the same schema.
std::string refuse_second_projection(const std::string& projection, const std::string& first,
                                     const std::string& plugin);

/// Why an operator's request to rebuild an older version of the read model cannot be carried out: other hosts still run
/// the projection. Empty: it can, or there is none. Throws pg::Error, pg::Interrupted.
std::string refuse_going_back(pg::Connection& connection, const CheckpointTables& tables,
                              const CheckpointRequest& request, const std::optional<ProjectionRow>& stored);

/// Writes what the host needs to know at its next start before it has read the configuration: who the projection is, on
/// which plugin, in which schema. Throws pg::Error, pg::Interrupted.
void write_description(pg::Connection& connection, const CheckpointTables& tables, const CheckpointRequest& request);

} // namespace projector::projection
