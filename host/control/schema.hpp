#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"

#include <string>
#include <vector>

namespace projector::control {

/// The schema of one database.
struct DatabaseSchema {
  std::string key; ///< of the DSN in the configuration, e.g. "event_store.dsn"
  std::string dsn;
  std::string sql;                       ///< statements that can be run again at any time; ends with a line feed
  std::string role;                      ///< gets the rights that a host needs; empty: no grants
  std::string events_table = {};         ///< of the event store; empty: this is the read model
  std::string checkpoints_table = {};    ///< of the read model
  std::vector<std::string> schemas = {}; ///< of projections that have their own
};

/// The tables of the event store and the host's own tables; with a role, also the grants that a host running as that
/// role needs. Two parts, even if both are for one database.
std::vector<DatabaseSchema> schema_of(const config::Configuration& configuration, const std::string& role);

/// Both parts as one text, with comment lines that say which part is for which database.
std::string schema_text(const config::Configuration& configuration, const std::string& role);

/// Adds what a database lacks, one program at a time, and in one transaction if the tables are missing. An existing
/// events table may belong to another program: it gets only grants and the indexes that it lacks, compared by their
/// columns and built without blocking appends. If nothing is missing, no owner's rights are needed. Throws pg::Error,
/// which says what to do about a missing privilege or role; pg::Interrupted.
void apply_schema(const DatabaseSchema& schema, const base::Stop& stop);

} // namespace projector::control
