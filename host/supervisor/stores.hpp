#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "pg/pool.hpp"
#include "plugin/runner_host.hpp"
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
  std::shared_ptr<const projection::StoredProjections> projections; ///< null if a lock keeps them from being read now
  std::unique_ptr<pg::Pool> pool;                                   ///< of the read model; the log uses it, too
  std::unique_ptr<eventlog::EventLog> log;
  bool same_server = true;            ///< read model and events are on one server
  projection::NamedProjections named; ///< projections that have a checkpoint
};

/// Errors in the text of the configured DSNs, with their places. Does not connect.
std::vector<config::Problem> dsn_problems(const config::Configuration& configuration);

/// Opens both stores and creates missing tables of the host. The application_name of each session begins with
/// `program`. The required sessions connect first; the number of others respects the limits of role, database and
/// server. `other_sessions`: additional sessions that the program opens to the read model. Messages of the event log
/// are logged, also later. Throws pg::Error, pg::Interrupted, eventlog::StoreRefused, TooFewSessions. `stop` outlives
/// the log.
Stores open_stores(const config::Configuration& configuration, const std::string& program, const base::Stop& stop,
                   std::uint32_t other_sessions = 0);

/// Whether a retry can help after this error of open_stores(): the server cannot be reached, or accepts no connection
/// at the moment. It does not help with a wrong DSN, password, role or database.
bool waiting_helps(const pg::Error& error);

/// How a program's sessions for one purpose connect.
pg::ConnectOptions connect_options(const std::string& dsn, const std::string& program, const std::string& purpose);
/// The stores outlive the users of both: the pool closes idle sessions if one of them cannot connect.
projection::Bookkeeper::Options bookkeeping(const config::Configuration& configuration, const std::string& program,
                                            const std::string& host, const Stores& stores);
projection::CheckpointWriter::Options checkpoint_writing(const config::Configuration& configuration,
                                                         const std::string& program, const Stores& stores);

/// For runners that are handed events of this log. Throws std::system_error.
plugin::RunnerHost runner_host_of(const eventlog::EventLog& log);

/// The name of this process in tables and messages, see projection::HostIdentity.
std::string host_name();

} // namespace projector::supervisor
