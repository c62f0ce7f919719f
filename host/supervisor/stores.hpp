#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"
#include "pg/pool.hpp"
#include "projection/bookkeeper.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/checkpoint_writer.hpp"

#include <memory>
#include <string>

namespace projector::supervisor {

/// Both databases, opened and found to be in order.
struct Stores {
  projection::CheckpointTables tables;
  std::unique_ptr<eventlog::EventLog> log;
  bool same_server = true; ///< read model and events are of one server
};

/// Opens them, and makes the host's tables where they are missing. `program` begins what the server shows as each
/// session's name. Logs what the event log reports, also later. Throws pg::Error, pg::Interrupted,
/// eventlog::StoreRefused. `stop` outlives the log.
Stores open_stores(const config::Configuration& configuration, const std::string& program, const base::Stop& stop);

/// How a program's sessions for one purpose connect.
pg::ConnectOptions connect_options(const std::string& dsn, const std::string& program, const std::string& purpose);
pg::PoolOptions pool_options(const config::Configuration& configuration, const std::string& program);
projection::Bookkeeper::Options bookkeeping(const config::Configuration& configuration, const std::string& program,
                                            const std::string& host);
projection::CheckpointWriter::Options checkpoint_writing(const config::Configuration& configuration,
                                                         const std::string& program, bool same_server);

/// Who this process is in tables and on screens, see projection::HostIdentity.
std::string host_name();

} // namespace projector::supervisor
