#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"

#include <string>
#include <vector>

namespace projector::control {

/// What one database needs.
struct DatabaseSchema {
  std::string key; ///< of the DSN in the configuration, e.g. "event_store.dsn"
  std::string dsn;
  std::string sql;                       ///< statements that can be run again at any time; ends with a line feed
  std::string role;                      ///< which is to be granted what a host needs, or empty
  std::string events_table = {};         ///< of the event store; empty: this is the read model
  std::string checkpoints_table = {};    ///< of the read model
  std::vector<std::string> schemas = {}; ///< of projections that have their own
};

/// The tables of the event store and the host's own, and, with a role, the grants that a host running as that role
/// needs. Two parts also where both databases are one.
std::vector<DatabaseSchema> schema_of(const config::Configuration& configuration, const std::string& role);

/// All of it as one text, with comment lines that say which part belongs to which database.
std::string schema_text(const config::Configuration& configuration, const std::string& role);

/// Adds what a database lacks, one program at a time: all of it in one transaction where the tables are absent. An
/// events table that is there may be another program's: it gets the indexes that it lacks, by their columns, built
/// while appends go on, and grants; nothing else. Where nothing is missing, nothing is asked of an owner. Throws
/// pg::Error, which says what to do where a privilege or the role is missing; pg::Interrupted.
void apply_schema(const DatabaseSchema& schema, const base::Stop& stop);

} // namespace projector::control
