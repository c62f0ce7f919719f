#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "pg/pool.hpp"
#include "projection/bookkeeper.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/checkpoint_writer.hpp"
#include "projection/named_projections.hpp"

#include <memory>
#include <string>
#include <vector>

namespace projector::supervisor {

/// Both databases, opened and checked.
struct Stores {
  projection::CheckpointTables tables;
  std::shared_ptr<const projection::StoredProjections> projections; ///< null where they cannot be read just now
  std::unique_ptr<pg::Pool> pool;                                   ///< of the read model; the log uses it, too
  std::unique_ptr<eventlog::EventLog> log;
  bool same_server = true;            ///< read model and events are of one server
  projection::NamedProjections named; ///< that have a checkpoint already
};

/// Problems in the text of the configured DSNs, with their places. Contacts no server.
std::vector<config::Problem> dsn_problems(const config::Configuration& configuration);

/// Opens them, and makes the host's tables where they are missing. `program` begins what the server shows as each
/// session's name. What everybody needs connects first, and the rest stays within the role's and the server's limits:
/// `other_sessions` are those of the read model that the program opens besides. Logs what the event log reports, also
/// later. Throws pg::Error, pg::Interrupted, eventlog::StoreRefused, TooFewSessions. `stop` outlives the log.
Stores open_stores(const config::Configuration& configuration, const std::string& program, const base::Stop& stop,
                   std::uint32_t other_sessions = 0);

/// Whether waiting can cure that a store could not be opened: its server cannot be reached, or takes no connection just
/// now. A wrong DSN, password, role or database stays wrong.
bool waiting_helps(const pg::Error& error);

/// How a program's sessions for one purpose connect.
pg::ConnectOptions connect_options(const std::string& dsn, const std::string& program, const std::string& purpose);
/// The stores outlive both: their pool gives back idle sessions where one of these cannot connect.
projection::Bookkeeper::Options bookkeeping(const config::Configuration& configuration, const std::string& program,
                                            const std::string& host, const Stores& stores);
projection::CheckpointWriter::Options checkpoint_writing(const config::Configuration& configuration,
                                                         const std::string& program, const Stores& stores);

/// Who this process is in tables and on screens, see projection::HostIdentity.
std::string host_name();

} // namespace projector::supervisor
