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
  std::string sql; ///< statements that can be run again at any time; ends with a line feed
};

/// The tables of the event store and the host's own, and, with a role, the grants that a host running as that role
/// needs. Two parts also where both databases are one.
std::vector<DatabaseSchema> schema_of(const config::Configuration& configuration, const std::string& role);

/// All of it as one text, with comment lines that say which part belongs to which database.
std::string schema_text(const config::Configuration& configuration, const std::string& role);

/// Applies one part in one transaction, one program at a time. Throws pg::Error, which says what to do where a
/// privilege or the role is missing; nothing is changed then. Throws pg::Interrupted.
void apply_schema(const DatabaseSchema& schema, const base::Stop& stop);

} // namespace projector::control
