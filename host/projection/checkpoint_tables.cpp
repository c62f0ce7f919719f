#include "projection/checkpoint_tables.hpp"

#include "pg/quote.hpp"
#include "pg/transaction.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

namespace projector::projection {
namespace {

// No column that a batch changes has an index: while an old snapshot is open, updating an indexed column costs many
// times as much.
constexpr std::string_view kSchema = R"(CREATE TABLE IF NOT EXISTS projector_projections (
  checkpoint text PRIMARY KEY,
  projection text NOT NULL,
  plugin text NOT NULL,
  partitions integer NOT NULL CHECK (partitions > 0),
  epoch bigint NOT NULL DEFAULT 1,
  read_model_version bigint NOT NULL,
  rebuild_requested bigint NOT NULL DEFAULT 0,
  desired_state text NOT NULL DEFAULT 'running' CHECK (desired_state IN ('running', 'paused')),
  store text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS projector_checkpoints (
  name text PRIMARY KEY,
  checkpoint text NOT NULL,
  partition integer NOT NULL CHECK (partition >= 0),
  position bigint NOT NULL,
  highest bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS projector_workers (
  name text NOT NULL,
  host text NOT NULL,
  projection text NOT NULL,
  partition integer NOT NULL,
  partitions integer NOT NULL,
  state text NOT NULL,
  reason text NOT NULL DEFAULT '',
  plugin text NOT NULL,
  plugin_version text NOT NULL DEFAULT '',
  generation bigint NOT NULL DEFAULT 0,
  thread bigint NOT NULL DEFAULT 0,
  position bigint NOT NULL DEFAULT 0,
  handled bigint NOT NULL DEFAULT 0,
  heartbeat timestamptz NOT NULL DEFAULT now(),
  process bigint NOT NULL DEFAULT 0,
  restarts bigint NOT NULL DEFAULT 0,
  private_bytes bigint NOT NULL DEFAULT 0,
  cpu_ms bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (name, host)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS projector_stores (
  store text PRIMARY KEY,
  timeline bigint NOT NULL,
  settled bigint NOT NULL,
  marks text NOT NULL DEFAULT '',
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
)";

constexpr std::string_view kMirror = R"(CREATE TABLE IF NOT EXISTS {} (
  projection_name text PRIMARY KEY,
  last_global_position bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
)";

/// Columns that tables made by an earlier host do not have.
struct AddedColumn {
  const char* table;
  const char* name;
  const char* type;
};
constexpr std::array kAddedColumns = {
    AddedColumn{.table = "projector_projections", .name = "autostarted", .type = "boolean"},
    AddedColumn{.table = "projector_projections", .name = "table_schema", .type = "text"},
    AddedColumn{.table = "projector_stores", .name = "marks", .type = "text NOT NULL DEFAULT ''"},
    AddedColumn{.table = "projector_workers", .name = "process", .type = "bigint NOT NULL DEFAULT 0"},
    AddedColumn{.table = "projector_workers", .name = "restarts", .type = "bigint NOT NULL DEFAULT 0"},
    AddedColumn{.table = "projector_workers", .name = "private_bytes", .type = "bigint NOT NULL DEFAULT 0"},
    AddedColumn{.table = "projector_workers", .name = "cpu_ms", .type = "bigint NOT NULL DEFAULT 0"},
};

std::vector<std::string> lacking_columns(pg::Connection& connection) {
  std::vector<std::string> tables, names;
  for (const AddedColumn& column : kAddedColumns) {
    tables.emplace_back(column.table);
    names.emplace_back(column.name);
  }
  const auto rows = connection.exec(
      "SELECT wanted.tab || '.' || wanted.col FROM unnest($1::text[], $2::text[]) AS wanted(tab, col) WHERE NOT EXISTS "
      "(SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass(wanted.tab) AND a.attname = wanted.col "
      "AND NOT a.attisdropped)",
      pg::Parameters{}.text_array(tables).text_array(names));
  std::vector<std::string> lacking;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    lacking.emplace_back(rows.bytes(row, 0));
  }
  return lacking;
}

std::string quoted(const std::string& table) {
  const auto dot = table.find('.');
  return dot == std::string::npos
             ? pg::quote_identifier(table)
             : pg::quote_identifier(table.substr(0, dot)) + "." + pg::quote_identifier(table.substr(dot + 1));
}

} // namespace

std::string read_model_schema(const std::string& checkpoints_table, const std::string& role) {
  std::string sql(kSchema);
  for (const AddedColumn& column : kAddedColumns) {
    sql += fmt::format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {};\n", column.table, column.name, column.type);
  }
  sql += fmt::format(fmt::runtime(kMirror), checkpoints_table);
  if (!role.empty()) {
    sql += fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON projector_projections, projector_checkpoints,\n"
                       "  projector_workers, projector_stores, {} TO {};\n",
                       checkpoints_table, pg::quote_identifier(role));
    sql += fmt::format("DO $$ BEGIN EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', current_schema(), {});\n"
                       "END $$; -- plugins make their own tables\n",
                       pg::quote_literal(role));
  }
  return sql;
}

std::optional<CheckpointTables> find_tables(pg::Connection& connection, const std::string& checkpoints_table) {
  const auto result =
      connection.exec("SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), current_setting('search_path')"
                      " FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, place)"
                      " LEFT JOIN pg_catalog.pg_class c ON c.oid = to_regclass(wanted.name)"
                      " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY place",
                      pg::Parameters{}.text_array({"projector_projections", "projector_checkpoints",
                                                   "projector_workers", "projector_stores", checkpoints_table}));
  for (std::size_t row = 0; row < result.rows(); ++row) {
    if (result.is_null(row, 0)) {
      return std::nullopt;
    }
  }
  const auto name = [&](std::size_t row) { return std::string(result.bytes(row, 0)); };
  return CheckpointTables{.projections = name(0),
                          .checkpoints = name(1),
                          .workers = name(2),
                          .stores = name(3),
                          .mirror = name(4),
                          .search_path = std::string(result.bytes(0, 1)),
                          .lacking = lacking_columns(connection)};
}

CheckpointTables open_tables(pg::Connection& connection, const std::string& checkpoints_table) {
  if (auto found = find_tables(connection, checkpoints_table); found && found->lacking.empty()) {
    return *found;
  }
  try {
    pg::Transaction transaction(connection);
    connection.script("SELECT pg_advisory_xact_lock(hashtext('projectord schema'));" +
                      read_model_schema(checkpoints_table, ""));
    transaction.commit();
  } catch (const pg::Error& error) {
    if (error.is("42501") || error.is("3F000")) {
      throw pg::Error(
          error.kind(), error.sqlstate(),
          fmt::format(
              "the host's tables, or columns of them, are missing in the read model's database and cannot be made: {}; "
              "run `projectorctl schema apply --role ROLE` as a user who may make tables",
              error.what()));
    }
    throw;
  }
  if (auto made = find_tables(connection, checkpoints_table)) {
    return *made;
  }
  throw pg::Error(pg::Error::Kind::Statement, "42P01",
                  fmt::format("the table {} was made and is not found by its name: check search_path of the read "
                              "model's user",
                              quoted(checkpoints_table)));
}

} // namespace projector::projection
