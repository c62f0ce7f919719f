#include "control/database_check.hpp"

#include "eventlog/event_log.hpp"
#include "eventlog/store_check.hpp"
#include "pg/transaction.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/store_memory.hpp"
#include "supervisor/session_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace projector::control {
namespace {

/// The session limits of a database; nothing if they could not be queried.
using Limits = std::optional<supervisor::SessionLimits>;

/// What the read model's database stores about this event store; nothing if it has no tables or cannot be queried,
/// which is reported elsewhere.
std::optional<eventlog::RememberedStore> remembered(const config::Configuration& configuration,
                                                    const eventlog::Store& store, const base::Stop& stop) {
  try {
    pg::ConnectOptions options;
    options.dsn = configuration.read_model.dsn;
    options.application_name = "projectorctl";
    pg::Connection connection(options, stop);
    const auto tables = projection::find_tables(connection, configuration.read_model.checkpoints_table);
    if (!tables) {
      return std::nullopt;
    }
    bool same_server = configuration.read_model.same_as_event_store;
    if (!same_server &&
        connection.exec("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')").boolean(0, 0)) {
      const auto system = connection.exec("SELECT system_identifier::text || '/' FROM pg_control_system()");
      same_server = store.identity.store.starts_with(system.bytes(0, 0));
    }
    return projection::read_store_memory(connection, *tables, store.identity, same_server);
  } catch (const pg::Error&) {
    return std::nullopt;
  }
}

Limits check_event_store(const config::Configuration& configuration, const base::Stop& stop, DatabaseCheck& check) {
  const config::EventStore& configured = configuration.event_store;
  Limits limits;
  try {
    pg::ConnectOptions options;
    options.dsn = configured.dsn;
    options.application_name = "projectorctl";
    pg::Connection connection(options, stop);
    const pg::Transaction transaction(connection, eventlog::begin_reading());
    limits = supervisor::read_session_limits(connection);
    auto store = eventlog::check_store(connection, configured.events_table);
    if (const auto kept = remembered(configuration, store, stop)) {
      store.identity.store = kept->store.empty() ? store.identity.store : kept->store;
      eventlog::check_remembered(connection, store, *kept);
    }
    if (!store.flush_unknown.empty()) {
      auto& found = configuration.read_model.same_as_event_store ? check.facts : check.problems;
      found.push_back("event store: " + store.flush_unknown);
    }
    check.facts.push_back(fmt::format("event store: {} can be read by role {}, last position {}", store.table,
                                      store.role, store.last_value));
  } catch (const eventlog::StoreRefused& refused) {
    check.problems.push_back(fmt::format("the event store is refused: {}", refused.what()));
  } catch (const pg::Error& error) {
    check.problems.push_back(fmt::format("the event store cannot be queried: {}", error.what()));
  }
  return limits;
}

/// The tables that this session's role may not use as a host does, separated by commas.
std::string unusable_tables(pg::Connection& connection, const projection::CheckpointTables& tables) {
  const auto row = connection.exec("SELECT coalesce(string_agg(name, ', '), '') FROM unnest($1::text[]) name WHERE NOT "
                                   "(has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT') AND "
                                   "has_table_privilege(name, 'UPDATE') AND has_table_privilege(name, 'DELETE'))",
                                   pg::Parameters{}.text_array({tables.projections, tables.checkpoints, tables.workers,
                                                                tables.stores, tables.mirror}));
  return std::string(row.bytes(0, 0));
}

Limits check_read_model(const config::ReadModel& configured, const base::Stop& stop, DatabaseCheck& check) {
  Limits limits;
  try {
    pg::ConnectOptions options;
    options.dsn = configured.dsn;
    options.application_name = "projectorctl";
    pg::Connection connection(options, stop);
    const pg::Transaction transaction(connection, pg::kBeginReading);
    limits = supervisor::read_session_limits(connection);
    const auto who = connection.exec("SELECT current_user, pg_is_in_recovery(), current_schema(), "
                                     "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)");
    const std::string role(who.bytes(0, 0));
    if (who.boolean(0, 1)) {
      check.problems.emplace_back("the read model is a hot standby, which takes no writes; let read_model.dsn lead to "
                                  "the primary, e.g. by target_session_attrs=read-write");
    }
    const bool may_create = who.boolean(0, 3);
    const auto tables = projection::find_tables(connection, configured.checkpoints_table);
    if (tables && !tables->lacking.empty()) {
      const auto lack = fmt::format("the host's tables lack {}", fmt::join(tables->lacking, ", "));
      if (connection
              .exec("SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class WHERE oid IN ($1::regclass, "
                    "$2::regclass)",
                    pg::Parameters{}.text(tables->projections).text(tables->stores))
              .boolean(0, 0)) {
        check.facts.push_back(fmt::format("read model: {}, which the next start adds", lack));
      } else {
        check.problems.push_back(
            fmt::format("{}, and role {} does not own them; run \"projectorctl schema apply --role "
                        "{}\" as the tables' owner",
                        lack, role, role));
      }
    }
    if (tables) {
      const auto unusable = unusable_tables(connection, *tables);
      if (unusable.empty()) {
        check.facts.push_back(fmt::format("read model: the host's tables exist, and role {} may use them", role));
      } else {
        check.problems.push_back(fmt::format("role {} may not use {}; run \"projectorctl schema apply --role {}\" as "
                                             "the tables' owner",
                                             role, unusable, role));
      }
    } else if (may_create) {
      check.facts.push_back(fmt::format("read model: the host's tables do not exist; the first start makes them in "
                                        "schema {}",
                                        who.bytes(0, 2)));
    } else {
      check.problems.push_back(
          fmt::format("the host's tables are not in the read model's database, and role {} may not "
                      "make them; run \"projectorctl schema apply --role {}\" as a user who may",
                      role, role));
    }
  } catch (const pg::Error& error) {
    check.problems.push_back(fmt::format("the read model cannot be queried: {}", error.what()));
  }
  return limits;
}

void check_sessions(const config::Configuration& configuration, const Limits& event_store, const Limits& read_model,
                    DatabaseCheck& check) {
  try {
    const auto plan = supervisor::plan_sessions(configuration, event_store, read_model);
    check.facts.push_back(
        plan.shortage.empty()
            ? fmt::format("sessions: a host needs {} at least and opens up to {}, as it may", plan.least, plan.most)
            : fmt::format("sessions: {}", plan.shortage));
  } catch (const supervisor::TooFewSessions& refused) {
    check.problems.push_back(fmt::format("sessions: {}", refused.what()));
  }
}

} // namespace

DatabaseCheck check_databases(const config::Configuration& configuration, const base::Stop& stop) {
  DatabaseCheck check;
  const auto event_store = check_event_store(configuration, stop, check);
  const auto read_model = check_read_model(configuration.read_model, stop, check);
  if (!event_store && !read_model) {
    return check;
  }
  check_sessions(configuration, event_store, read_model, check);
  return check;
}

} // namespace projector::control
