#include "supervisor/host.hpp"

#include "base/backoff.hpp"
#include "eventlog/event_log.hpp"
#include "projection/bookkeeper.hpp"
#include "projection/checkpoint_tables.hpp"
#include "supervisor/caught_up.hpp"
#include "supervisor/signals.hpp"
#include "supervisor/supervisor.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>

namespace projector::supervisor {
namespace {

pg::ConnectOptions connect_options(const std::string& dsn, const std::string& purpose) {
  pg::ConnectOptions options;
  options.dsn = dsn;
  options.application_name = "projectord " + purpose;
  return options;
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return fmt::format("{}/{}", name.data(), ::getpid());
}

std::int64_t stored_settled(const pg::ConnectOptions& connect, const projection::CheckpointTables& tables,
                            const eventlog::StoreIdentity& identity, const base::Stop& stop) {
  pg::Connection connection(connect, stop);
  const auto row = connection.exec(fmt::format("SELECT settled FROM {} WHERE store = $1", tables.stores),
                                   pg::Parameters{}.text(identity.store));
  return row.rows() == 0 ? 0 : row.int8(0, 0);
}

std::string system_identifier(pg::Connection& connection) {
  return std::string(connection.exec("SELECT system_identifier::text FROM pg_control_system()").bytes(0, 0));
}

/// What both databases are asked before anything runs.
struct Stores {
  projection::CheckpointTables tables;
  std::unique_ptr<eventlog::EventLog> log;
  bool same_server = true;
};

Stores open_stores(const config::Configuration& configuration, const base::Stop& stop) {
  Stores stores;
  const auto read_model = connect_options(configuration.read_model.dsn, "control");
  std::string read_model_system;
  {
    pg::Connection connection(read_model, stop);
    stores.tables = projection::open_tables(connection, configuration.read_model.checkpoints_table);
    read_model_system = system_identifier(connection);
  }
  eventlog::EventLogOptions options;
  options.connect = connect_options(configuration.event_store.dsn, "eventlog");
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

/// Opens the stores, trying again while a server cannot be reached. Nothing when stopped; throws what no wait cures.
std::optional<Stores> wait_for_stores(const config::Configuration& configuration, const base::Stop& stop) {
  base::Backoff backoff(std::chrono::milliseconds(100), std::chrono::seconds(5));
  std::string told;
  while (!stop.requested()) {
    try {
      return open_stores(configuration, stop);
    } catch (const pg::Interrupted&) {
      break;
    } catch (const pg::Error& error) {
      const bool unreachable =
          error.connection_lost() && (error.sqlstate().empty() || error.is("08") || error.is("57P") || error.is("53"));
      if (!unreachable) {
        throw;
      }
      if (told != error.what()) {
        told = error.what();
        spdlog::warn("waiting for PostgreSQL: {}", told);
      }
    }
    pollfd wait{stop.fd(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(backoff.next() / std::chrono::milliseconds(1)));
  }
  return std::nullopt;
}

} // namespace

int run_host(const HostOptions& options, ConfigurationSource source) {
  SignalThread signals;
  source.report();
  const config::Configuration configuration = source.get();
  if (options.timeout) {
    signals.end_at(base::Clock::now() + *options.timeout);
  }

  auto stores = wait_for_stores(configuration, signals.stop());
  if (!stores) {
    return signals.timed_out() ? (spdlog::error("timed out: PostgreSQL was not reached"), 1) : 0;
  }
  const std::string host = host_name();
  pg::PoolOptions pool_options;
  pool_options.connect = connect_options(configuration.read_model.dsn, "projection");
  pool_options.size = configuration.read_model.pool_size;
  pool_options.most = configuration.read_model.pool_max;
  pg::Pool pool(std::move(pool_options));

  projection::Bookkeeper::Options bookkeeping;
  bookkeeping.connect = connect_options(configuration.read_model.dsn, "control");
  bookkeeping.host = host;
  bookkeeping.same_server = stores->same_server;
  bookkeeping.report = [](const std::string& text) { spdlog::warn("{}", text); };
  projection::Bookkeeper bookkeeper(std::move(bookkeeping), stores->tables, *stores->log);

  base::Wakeup changed;
  const projection::WorkerServices services{*stores->log,
                                            pool,
                                            stores->tables,
                                            bookkeeper,
                                            host,
                                            configuration.read_model.synchronous_commit,
                                            configuration.read_model.prepared_statements,
                                            stores->same_server,
                                            [&bookkeeper, &changed] {
                                              bookkeeper.poke();
                                              changed.set();
                                            }};
  Supervisor supervisor({options.selection}, std::move(source), services, changed);
  bookkeeper.publish_from([&supervisor] { return supervisor.status(); },
                          [&supervisor](const auto& rebuilds) { supervisor.request(rebuilds); });
  signals.on_hangup([&supervisor] { supervisor.reload(); });
  std::unique_ptr<CaughtUp> caught_up;
  if (options.until_caught_up) {
    caught_up = std::make_unique<CaughtUp>(connect_options(configuration.read_model.dsn, "control"), stores->tables,
                                           *stores->log, [&supervisor] { return supervisor.checkpoints(); });
    signals.end_when(caught_up->fd());
  }
  spdlog::info("projectord {} runs as {}", PROJECTOR_VERSION, host);
  supervisor.run(signals.stop().fd());
  signals.on_hangup({});
  bookkeeper.publish_from([] { return std::vector<projection::WorkerStatus>(); });
  if (caught_up && signals.timed_out()) {
    for (const auto& blocking : caught_up->behind()) {
      spdlog::error("timed out: {}", blocking);
    }
    return 1;
  }
  return 0;
}

} // namespace projector::supervisor
