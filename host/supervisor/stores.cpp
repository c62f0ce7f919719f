#include "supervisor/stores.hpp"

#include "pg/dsn_problem.hpp"
#include "projection/host_identity.hpp"
#include "projection/store_memory.hpp"
#include "supervisor/session_plan.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace projector::supervisor {
namespace {

/// Empty if the role may not query it; the limits are then reported as for two servers.
std::string system_identifier(pg::Connection& connection) {
  try {
    return std::string(connection.exec("SELECT system_identifier::text FROM pg_control_system()").bytes(0, 0));
  } catch (const pg::Error& error) {
    if (!error.is("42501")) {
      throw;
    }
    return {};
  }
}

pg::PoolOptions pool_options(const config::Configuration& configuration, const std::string& program,
                             const SessionPlan& plan) {
  pg::PoolOptions options;
  options.connect = connect_options(configuration.read_model.dsn, program, "projection");
  options.size = std::min(configuration.read_model.pool_size, plan.pool_max);
  options.most = plan.pool_max;
  return options;
}

/// Null if the table is locked: the bookkeeper reads the rows later, with each heartbeat.
std::shared_ptr<const projection::StoredProjections> read_stored(pg::Connection& connection,
                                                                 const projection::CheckpointTables& tables) {
  try {
    return std::make_shared<const projection::StoredProjections>(
        projection::read_projections(connection, tables, std::chrono::seconds(1)));
  } catch (const pg::Error& error) {
    if (!error.is("55P03")) {
      throw;
    }
    return nullptr;
  }
}

/// Throws the error again with the configuration's key in front, which shows which DSN failed.
[[noreturn]] void throw_named(const pg::Error& error, const char* key, std::uint32_t least) {
  std::string text = fmt::format("{}: {}", key, error.what());
  if (dynamic_cast<const pg::InvalidDsn*>(&error) != nullptr) {
    throw pg::InvalidDsn(text);
  }
  if (error.is("53300")) {
    text += fmt::format("; a host needs {} sessions at least", least);
  }
  throw pg::Error(error.kind(), error.sqlstate(), text);
}

/// Opens one session after the other, so that it never needs more than one.
class Opening {
public:
  Opening(const config::Configuration& configuration, std::string program, const base::Stop& stop)
      : configuration_(configuration), program_(std::move(program)), stop_(stop) {}

  Stores open(std::uint32_t other_sessions) {
    Stores stores;
    const std::uint32_t least = plan_sessions(configuration_, {}, {}, other_sessions).least;
    std::string read_model_system;
    std::optional<SessionLimits> read_model_limits, store_limits;
    try {
      pg::Connection connection(roomy(configuration_.read_model.dsn, "control"), stop_);
      stores.tables = projection::open_tables(connection, configuration_.read_model.checkpoints_table);
      stores.projections = read_stored(connection, stores.tables);
      stores.named = projection::read_named_projections(connection, stores.tables);
      read_model_system = system_identifier(connection);
      read_model_limits = read_session_limits(connection);
    } catch (const pg::Error& error) {
      throw_named(error, configuration_.read_model.same_as_event_store ? "event_store.dsn" : "read_model.dsn", least);
    }
    try {
      store_limits = read_model_limits;
      if (!configuration_.read_model.same_as_event_store) {
        pg::Connection connection(roomy(configuration_.event_store.dsn, "control"), stop_);
        store_limits = read_session_limits(connection);
      }
      const auto plan = plan_sessions(configuration_, store_limits, read_model_limits, other_sessions);
      if (!plan.shortage.empty()) {
        spdlog::warn("fewer sessions than configured: {}", plan.shortage);
      }
      stores.pool = std::make_unique<pg::Pool>(pool_options(configuration_, program_, plan));
      stores.log = eventlog::EventLog::open(event_log_options(stores, plan, read_model_system), stop_);
    } catch (const pg::Error& error) {
      throw_named(error, "event_store.dsn", least);
    }
    stores.same_server = stores.log->identity().store.starts_with(read_model_system + "/");
    return stores;
  }

private:
  /// Retries when there are too many sessions, since the server counts a closed session for a moment longer.
  [[nodiscard]] pg::ConnectOptions roomy(const std::string& dsn, const std::string& purpose) const {
    auto options = connect_options(dsn, program_, purpose);
    options.make_room = [] {};
    return options;
  }

  eventlog::EventLogOptions event_log_options(const Stores& stores, const SessionPlan& plan,
                                              const std::string& read_model_system) {
    eventlog::EventLogOptions options;
    options.connect = connect_options(configuration_.event_store.dsn, program_, "eventlog");
    options.connect.make_room = [pool = stores.pool.get()] { pool->drop_idle(); };
    options.events_table = configuration_.event_store.events_table;
    options.poll_interval = configuration_.event_store.poll_interval;
    options.notify_channel = plan.listener ? configuration_.event_store.notify_channel : "";
    options.history_readers = plan.history_readers;
    options.memory = configuration_.feed.memory;
    options.stored_settled = [pool = stores.pool.get(), tables = stores.tables, read_model_system,
                              &stop = stop_](const eventlog::StoreIdentity& identity) {
      const auto lease = pool->borrow("event log", stop, base::Duration::zero());
      return projection::read_store_memory(lease.connection(), tables, identity,
                                           identity.store.starts_with(read_model_system + "/"));
    };
    options.report = [](bool warning, const std::string& text) {
      spdlog::log(warning ? spdlog::level::warn : spdlog::level::info, "event log: {}", text);
    };
    return options;
  }

  const config::Configuration& configuration_;
  const std::string program_;
  const base::Stop& stop_;
};

} // namespace

std::vector<config::Problem> dsn_problems(const config::Configuration& configuration) {
  std::vector<config::Problem> problems;
  const auto check = [&](const std::string& dsn, const config::Location& where, const char* key) {
    if (const auto problem = pg::dsn_problem(dsn); !problem.empty()) {
      problems.push_back({where, fmt::format("{}: {}", key, problem)});
    }
  };
  check(configuration.event_store.dsn, configuration.event_store.dsn_where, "event_store.dsn");
  if (!configuration.read_model.same_as_event_store) {
    check(configuration.read_model.dsn, configuration.read_model.dsn_where, "read_model.dsn");
  }
  return problems;
}

Stores open_stores(const config::Configuration& configuration, const std::string& program, const base::Stop& stop,
                   std::uint32_t other_sessions) {
  return Opening(configuration, program, stop).open(other_sessions);
}

bool waiting_helps(const pg::Error& error) {
  constexpr std::array<std::string_view, 5> kOfTheMoment{"08", "53", "57", "58", "XX"};
  return error.connection_lost() && dynamic_cast<const pg::InvalidDsn*>(&error) == nullptr &&
         (error.sqlstate().empty() || std::any_of(kOfTheMoment.begin(), kOfTheMoment.end(),
                                                  [&](std::string_view prefix) { return error.is(prefix); }));
}

pg::ConnectOptions connect_options(const std::string& dsn, const std::string& program, const std::string& purpose) {
  pg::ConnectOptions options;
  options.dsn = dsn;
  options.application_name = program + " " + purpose;
  return options;
}

projection::Bookkeeper::Options bookkeeping(const config::Configuration& configuration, const std::string& program,
                                            const std::string& host, const Stores& stores) {
  projection::Bookkeeper::Options options;
  options.connect = connect_options(configuration.read_model.dsn, program, "control");
  options.connect.make_room = [pool = stores.pool.get()] { pool->drop_idle(); };
  options.host = host;
  options.stored = stores.projections;
  options.report = [](const std::string& text) { spdlog::warn("{}", text); };
  return options;
}

projection::CheckpointWriter::Options checkpoint_writing(const config::Configuration& configuration,
                                                         const std::string& program, const Stores& stores) {
  projection::CheckpointWriter::Options options;
  options.connect = connect_options(configuration.read_model.dsn, program, "checkpoints");
  options.connect.make_room = [pool = stores.pool.get()] { pool->drop_idle(); };
  options.same_server = stores.same_server;
  options.report = [](const std::string& text) { spdlog::warn("{}", text); };
  return options;
}

plugin::RunnerHost runner_host_of(const eventlog::EventLog& log) {
  const auto region = log.region();
  return {.events = std::make_shared<const plugin::SharedEvents>(
              plugin::SharedEvents{region->open_for_reading(), region->address(), region->capacity()})};
}

std::string host_name() {
  return projection::HostIdentity::of_this_process().text();
}

} // namespace projector::supervisor
