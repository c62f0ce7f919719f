#include "control/schema.hpp"

#include "eventlog/schema.hpp"
#include "eventlog/schema_gaps.hpp"
#include "pg/connection.hpp"
#include "pg/quote.hpp"
#include "pg/transaction.hpp"
#include "projection/checkpoint_tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <set>

namespace projector::control {
namespace {

constexpr std::chrono::milliseconds kBusyPause{100};

std::vector<std::string> own_schemas(const config::Configuration& configuration) {
  std::set<std::string> schemas;
  for (const auto& [name, projection] : configuration.projections) {
    schemas.insert(projection.schema);
  }
  schemas.insert(configuration.defaults.schema);
  schemas.erase("");
  return {schemas.begin(), schemas.end()};
}

/// Schemas of projections that have their own. The host makes missing ones, for which it needs CREATE on the database.
std::string projection_schemas(const std::vector<std::string>& schemas, const std::string& role) {
  if (schemas.empty()) {
    return "";
  }
  std::string sql;
  for (const auto& schema : schemas) {
    const auto quoted = pg::quote_identifier(schema);
    sql += fmt::format("CREATE SCHEMA IF NOT EXISTS {};\n", quoted);
    if (!role.empty()) {
      sql += fmt::format("GRANT USAGE, CREATE ON SCHEMA {} TO {};\n", quoted, pg::quote_identifier(role));
    }
  }
  if (!role.empty()) {
    sql += fmt::format("DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO %I', current_database(), {});\n"
                       "END $$; -- CREATE SCHEMA IF NOT EXISTS needs it even if the schema exists\n",
                       pg::quote_literal(role));
  }
  return sql;
}

std::string advice(const pg::Error& error, const std::string& key) {
  if (error.is("42501")) {
    return fmt::format(
        "; run it as a user who may: --set {}=\"..\" with that user, or give the output of \"projectorctl "
        "schema print\" to psql",
        key);
  }
  if (error.is("42704")) {
    return "; make the role first: CREATE ROLE .. LOGIN";
  }
  return "";
}

/// Whether the host's tables exist, and the role has the rights on them and on the schemas that a host needs.
bool read_model_is_complete(pg::Connection& connection, const DatabaseSchema& schema) {
  const auto tables = projection::find_tables(connection, schema.checkpoints_table);
  if (!tables || !tables->lacking.empty()) {
    return false;
  }
  const auto absent = connection.exec("SELECT count(*) FROM unnest($1::text[]) s WHERE to_regnamespace(quote_ident(s)) "
                                      "IS NULL",
                                      pg::Parameters{}.text_array(schema.schemas));
  if (absent.int8(0, 0) != 0) {
    return false;
  }
  return schema.role.empty() ||
         connection
             .exec("SELECT (SELECT bool_and(has_table_privilege($1, t, p)) FROM unnest($2::text[]) t, "
                   "unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) p) AND (SELECT bool_and(has_schema_privilege($1, "
                   "s, 'USAGE') AND has_schema_privilege($1, s, 'CREATE')) FROM unnest($3::text[] || "
                   "current_schema()::text) s) AND ($3::text[] = '{}' OR has_database_privilege($1, "
                   "current_database(), 'CREATE'))",
                   pg::Parameters{}
                       .text(schema.role)
                       .text_array(
                           {tables->projections, tables->checkpoints, tables->workers, tables->stores, tables->mirror})
                       .text_array(schema.schemas))
             .boolean(0, 0);
}

/// Waits until no other program does this. Uses the simple protocol: an open portal would keep a snapshot for which an
/// index build waits.
void wait_for_turn(pg::Connection& connection, const base::Stop& stop) {
  while (!connection.script("SELECT pg_try_advisory_xact_lock(hashtext('projectord event store'))").boolean(0, 0)) {
    if (!stop.wait_for(kBusyPause)) {
      throw pg::Interrupted();
    }
  }
}

/// Adds what the events table lacks. False if there is no table.
bool fill_gaps(pg::Connection& connection, const pg::ConnectOptions& options, const DatabaseSchema& schema,
               const base::Stop& stop) {
  auto gaps = eventlog::find_schema_gaps(connection, schema.events_table, schema.role);
  if (gaps.owner.empty() && gaps.steps.empty()) {
    return !gaps.no_table;
  }
  pg::Connection other(options, stop);
  const pg::Transaction one_at_a_time(other, "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0");
  wait_for_turn(other, stop);
  gaps = eventlog::find_schema_gaps(connection, schema.events_table, schema.role);
  if (!gaps.owner.empty()) {
    throw pg::Error(pg::Error::Kind::Statement, "42501",
                    fmt::format("{} belongs to {}, who has to run: {}", schema.events_table, gaps.owner,
                                fmt::join(gaps.steps, "; ")));
  }
  for (const std::string& step : gaps.steps) {
    connection.exec(step);
  }
  return !gaps.no_table;
}

} // namespace

std::vector<DatabaseSchema> schema_of(const config::Configuration& configuration, const std::string& role) {
  const auto schemas = own_schemas(configuration);
  return {{.key = "event_store.dsn",
           .dsn = configuration.event_store.dsn,
           .sql = eventlog::store_schema(configuration.event_store.events_table, role),
           .role = role,
           .events_table = configuration.event_store.events_table},
          {.key = "read_model.dsn",
           .dsn = configuration.read_model.dsn,
           .sql = projection::read_model_schema(configuration.read_model.checkpoints_table, role) +
                  projection_schemas(schemas, role),
           .role = role,
           .checkpoints_table = configuration.read_model.checkpoints_table,
           .schemas = schemas}};
}

std::string schema_text(const config::Configuration& configuration, const std::string& role) {
  const auto parts = schema_of(configuration, role);
  const bool same = configuration.read_model.same_as_event_store;
  return fmt::format("-- In the database of the event store ({}):\n{}\n"
                     "-- In the database of the read model ({}){}:\n{}",
                     parts[0].key, parts[0].sql, parts[1].key, same ? ", which is the same" : "", parts[1].sql);
}

void apply_schema(const DatabaseSchema& schema, const base::Stop& stop) {
  pg::ConnectOptions options;
  options.dsn = schema.dsn;
  options.application_name = "projectorctl";
  try {
    pg::Connection connection(options, stop);
    const bool there = schema.events_table.empty() ? read_model_is_complete(connection, schema)
                                                   : fill_gaps(connection, options, schema, stop);
    if (there) {
      return;
    }
    pg::Transaction transaction(connection, "BEGIN; SET LOCAL client_min_messages = warning");
    connection.script("SELECT pg_advisory_xact_lock(hashtext('projectord schema'));\n" + schema.sql);
    transaction.commit();
  } catch (const pg::Error& error) {
    throw pg::Error(error.kind(), error.sqlstate(),
                    fmt::format("the schema was not applied to the database of {}: {}{}", schema.key, error.what(),
                                advice(error, schema.key)));
  }
}

} // namespace projector::control
