#include "supervisor/stores.hpp"

#include "projection/bounded_statement.hpp"
#include "projection/host_identity.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace projector::supervisor {
namespace {

std::int64_t stored_settled(const pg::ConnectOptions& connect, const projection::CheckpointTables& tables,
                            const eventlog::StoreIdentity& identity, const base::Stop& stop) {
  pg::Connection connection(connect, stop);
  const auto row = projection::explaining_locks(connection, [&](pg::Connection& session) {
    return projection::exec_bounded(session, std::chrono::seconds(5),
                                    fmt::format("SELECT settled FROM {} WHERE store = $1", tables.stores),
                                    pg::Parameters{}.text(identity.store));
  });
  return row.rows() == 0 ? 0 : row.int8(0, 0);
}

std::string system_identifier(pg::Connection& connection) {
  return std::string(connection.exec("SELECT system_identifier::text FROM pg_control_system()").bytes(0, 0));
}

} // namespace

Stores open_stores(const config::Configuration& configuration, const std::string& program, const base::Stop& stop) {
  Stores stores;
  const auto read_model = connect_options(configuration.read_model.dsn, program, "control");
  std::string read_model_system;
  {
    pg::Connection connection(read_model, stop);
    stores.tables = projection::open_tables(connection, configuration.read_model.checkpoints_table);
    read_model_system = system_identifier(connection);
  }
  eventlog::EventLogOptions options;
  options.connect = connect_options(configuration.event_store.dsn, program, "eventlog");
  options.events_table = configuration.event_store.events_table;
  options.poll_interval = configuration.event_store.poll_interval;
  options.notify_channel = configuration.event_store.notify_channel;
  options.memory = configuration.feed.memory;
  options.stored_settled = [read_model, tables = stores.tables, &stop](const eventlog::StoreIdentity& identity) {
    return stored_settled(read_model, tables, identity, stop);
  };
  options.report = [](bool warning, const std::string& text) {
    spdlog::log(warning ? spdlog::level::warn : spdlog::level::info, "event log: {}", text);
  };
  stores.log = eventlog::EventLog::open(std::move(options), stop);
  stores.same_server = stores.log->identity().store.starts_with(read_model_system + "/");
  return stores;
}

pg::ConnectOptions connect_options(const std::string& dsn, const std::string& program, const std::string& purpose) {
  pg::ConnectOptions options;
  options.dsn = dsn;
  options.application_name = program + " " + purpose;
  return options;
}

pg::PoolOptions pool_options(const config::Configuration& configuration, const std::string& program) {
  pg::PoolOptions options;
  options.connect = connect_options(configuration.read_model.dsn, program, "projection");
  options.size = configuration.read_model.pool_size;
  options.most = configuration.read_model.pool_max;
  return options;
}

projection::Bookkeeper::Options bookkeeping(const config::Configuration& configuration, const std::string& program,
                                            const std::string& host) {
  projection::Bookkeeper::Options options;
  options.connect = connect_options(configuration.read_model.dsn, program, "control");
  options.host = host;
  options.report = [](const std::string& text) { spdlog::warn("{}", text); };
  return options;
}

projection::CheckpointWriter::Options checkpoint_writing(const config::Configuration& configuration,
                                                         const std::string& program, bool same_server) {
  projection::CheckpointWriter::Options options;
  options.connect = connect_options(configuration.read_model.dsn, program, "checkpoints");
  options.same_server = same_server;
  options.report = [](const std::string& text) { spdlog::warn("{}", text); };
  return options;
}

std::string host_name() {
  return projection::HostIdentity::of_this_process().text();
}

} // namespace projector::supervisor
