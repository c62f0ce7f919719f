#include "control/schema.hpp"

#include "eventlog/schema.hpp"
#include "pg/connection.hpp"
#include "pg/quote.hpp"
#include "pg/transaction.hpp"
#include "projection/checkpoint_tables.hpp"

#include <fmt/format.h>

#include <set>

namespace projector::control {
namespace {

/// Schemas of projections that have their own. The host makes an absent one, for which it may have to ask the database.
std::string projection_schemas(const config::Configuration& configuration, const std::string& role) {
  std::set<std::string> schemas;
  for (const auto& [name, projection] : configuration.projections) {
    schemas.insert(projection.schema);
  }
  schemas.insert(configuration.defaults.schema);
  schemas.erase("");
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
                       "END $$; -- CREATE SCHEMA IF NOT EXISTS asks for it also where the schema is there\n",
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

} // namespace

std::vector<DatabaseSchema> schema_of(const config::Configuration& configuration, const std::string& role) {
  return {{"event_store.dsn", configuration.event_store.dsn,
           eventlog::store_schema(configuration.event_store.events_table, role)},
          {"read_model.dsn", configuration.read_model.dsn,
           projection::read_model_schema(configuration.read_model.checkpoints_table, role) +
               projection_schemas(configuration, role)}};
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
