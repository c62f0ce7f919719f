#include "eventlog/store_check.hpp"

#include "eventlog/table_check.hpp"
#include "pg/quote.hpp"
#include "pg/transaction.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>
#include <vector>

namespace projector::eventlog {
namespace {

using pg::Connection;

std::string cell(const pg::Result& result, std::size_t row, std::size_t column) {
  return std::string(result.bytes(row, column));
}

constexpr std::array<std::pair<const char*, const char*>, 7> kReadingSettings{
    {{"row_security", "off"},
     {"statement_timeout", "0"},
     {"idle_in_transaction_session_timeout", "0"},
     {"jit", "off"},
     {"enable_seqscan", "off"},
     {"enable_bitmapscan", "off"},
     {"max_parallel_workers_per_gather", "0"}}};

/// Those of `functions`, a comma-separated list of signatures, that the session's role may not execute, as text for
/// GRANT.
std::string forbidden(Connection& connection, const std::string& functions) {
  return cell(connection.exec("SELECT coalesce(string_agg(f.name, ', '), '') FROM unnest(string_to_array($1, ', ')) "
                              "f(name) WHERE NOT has_function_privilege(f.name, 'EXECUTE')",
                              pg::Parameters().text(functions)),
              0, 0);
}

std::string grant(const std::string& functions, const std::string& role) {
  return fmt::format("GRANT EXECUTE ON FUNCTION {} TO {}", functions, pg::quote_identifier(role));
}

/// Checks the rights to identify the store and to notice a crash of its server.
void check_rights(Connection& connection, const std::string& role) {
  const std::string missing = forbidden(connection, "pg_catalog.pg_control_system(), pg_catalog.pg_is_in_recovery(), "
                                                    "pg_catalog.pg_postmaster_start_time()");
  if (!missing.empty()) {
    throw StoreRefused(fmt::format("role {} may not execute {}, which identify the event store and show a restart of "
                                   "its server. Cure, as a superuser, in the event store's database: {}",
                                   role, missing, grant(missing, role)));
  }
}

/// Sets the expressions for the positions of the write-ahead log, or the reason why they cannot be used.
void find_out_about_flush(Connection& connection, Store& store) {
  const std::string missing =
      forbidden(connection, "pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn(), "
                            "pg_catalog.pg_walfile_name(pg_lsn)");
  if (!missing.empty()) {
    store.flush_unknown = fmt::format("role {} may not execute {}, which show what the event store has on disk: only "
                                      "flushed events may be stored on another server. Cure, "
                                      "as a superuser, in the event store's database: {}",
                                      store.role, missing, grant(missing, store.role));
    return;
  }
  store.inserted_sql = "(pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";
  store.flushed_sql = "(pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint";
  store.identity.timeline =
      connection.exec("SELECT ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint")
          .int8(0, 0);
}

/// Reads the server's identity and the session's role. Refuses standby servers and the sessions of a connection pooler.
Store check_server(Connection& connection) {
  if (!connection.own_session()) {
    throw StoreRefused(
        "event_store.dsn leads through a connection pooler: the server's session is not the one that was "
        "announced at connect. A pooler hides a crash of the server, after which positions are handed "
        "out again, and what this session sets would reach other programs. Cure: let event_store.dsn "
        "lead to the server itself; read_model.dsn may lead through the pooler");
  }
  check_rights(connection, cell(connection.exec("SELECT current_user"), 0, 0));
  if (connection.exec("SELECT pg_is_in_recovery()").boolean(0, 0)) {
    throw StoreRefused("the event store is a hot standby, which does not have the locks that show which events are "
                       "still on their way. Cure: let event_store.dsn lead to the primary, e.g. by "
                       "target_session_attrs=read-write");
  }
  const auto row = connection.exec(
      "SELECT (SELECT system_identifier FROM pg_control_system()), d.oid, current_user, pg_backend_pid(), "
      "pg_postmaster_start_time(), current_setting('wal_block_size'), "
      "(SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'), getdatabaseencoding(), current_database() "
      "FROM pg_database d WHERE d.datname = current_database()");
  Store store;
  store.identity.store = cell(row, 0, 0) + "/" + cell(row, 0, 1);
  store.database_oid = static_cast<std::uint32_t>(row.int8(0, 1));
  store.role = cell(row, 0, 2);
  store.backend_pid = row.int8(0, 3);
  store.server = cell(row, 0, 4);
  store.wal_block_size = row.int8(0, 5);
  store.wal_segment_size = row.int8(0, 6);
  if (row.bytes(0, 7) == "SQL_ASCII") {
    throw StoreRefused(fmt::format(
        "the event store's database {0} has encoding SQL_ASCII, which allows any bytes in text, but plugins get UTF-8. "
        "Cure: CREATE DATABASE {1} ENCODING 'UTF8' TEMPLATE template0; then pg_dump {0} | psql "
        "--set=ON_ERROR_STOP=1 {0}_utf8, which names what is not UTF-8; let event_store.dsn lead there",
        row.bytes(0, 8), pg::quote_identifier(cell(row, 0, 8) + "_utf8")));
  }
  find_out_about_flush(connection, store);
  return store;
}

void find_table(Connection& connection, const std::string& events_table, Store& store) {
  pg::Result row;
  try {
    row = connection.exec("SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname), "
                          "has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid) "
                          "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                          "WHERE c.oid = to_regclass($1)",
                          pg::Parameters().text(events_table));
  } catch (const pg::Error& error) {
    if (error.connection_lost()) {
      throw;
    }
    if (error.is("42501")) {
      throw StoreRefused(
          fmt::format("the event store's table {} cannot be looked up: {}. Cure: GRANT USAGE ON SCHEMA .. "
                      "TO {}",
                      events_table, error.what(), pg::quote_identifier(store.role)));
    }
    throw StoreRefused(
        fmt::format("event_store.events_table = \"{}\" is not the name of a table: {}", events_table, error.what()));
  }
  if (row.rows() == 0) {
    throw StoreRefused(
        fmt::format("the event store has no table {} that role {} can find on its search_path. Cure: set "
                    "event_store.events_table to the right name, with its schema, or make the table: "
                    "projectorctl schema apply",
                    events_table, store.role));
  }
  store.table_oid = static_cast<std::uint32_t>(row.int8(0, 0));
  store.identity.store += "/" + cell(row, 0, 0);
  store.table = cell(row, 0, 2);
  const std::string kind = cell(row, 0, 1);
  if (kind != "r" && kind != "p") {
    throw StoreRefused(
        fmt::format("{} is not a table (pg_class.relkind is '{}'), so the positions of its rows cannot be "
                    "followed. Cure: set event_store.events_table to the table itself",
                    store.table, kind));
  }
  if (!row.boolean(0, 3)) {
    throw StoreRefused(fmt::format("role {} may not read {}. Cure: GRANT SELECT ON {} TO {}", store.role, store.table,
                                   store.table, pg::quote_identifier(store.role)));
  }
  if (row.boolean(0, 4)) {
    throw StoreRefused(fmt::format("row-level security of {} would hide events from role {}. Cure: ALTER ROLE {} "
                                   "BYPASSRLS",
                                   store.table, store.role, pg::quote_identifier(store.role)));
  }
}

struct Source {
  std::string table, kind, identity, expression, sequence, sequence_name;
  bool plain = false; ///< nextval of one sequence known by its oid, and nothing else
};

std::vector<Source> position_sources(Connection& connection, const Store& store) {
  const auto rows = connection.exec(
      tree_sql(store.table_oid) +
      "SELECT format('%I.%I', n.nspname, c.relname), c.relkind, a.attidentity, "
      "coalesce(pg_get_expr(d.adbin, d.adrelid), ''), q.oid, CASE WHEN q.oid IS NOT NULL THEN format('%I.%I', "
      "qn.nspname, q.relname) END, "
      "coalesce(a.attgenerated = '' AND pg_get_expr(d.adbin, d.adrelid) ~ "
      "'^(pg_catalog[.])?nextval[(]''([^'']|'''')+''::regclass[)]$' AND (SELECT count(*) FROM pg_depend e "
      "WHERE e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid AND e.deptype = 'n') = 1, false) "
      "FROM tree JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace "
      "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'global_position' "
      "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
      "LEFT JOIN pg_depend p ON "
      "(a.attidentity = '' AND p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.deptype = 'n' "
      " AND p.refclassid = 'pg_class'::regclass) OR "
      "(a.attidentity <> '' AND p.classid = 'pg_class'::regclass AND p.deptype = 'i' "
      " AND p.refclassid = 'pg_class'::regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum) "
      "LEFT JOIN pg_class q ON q.relkind = 'S' AND q.oid = CASE WHEN a.attidentity = '' THEN p.refobjid ELSE p.objid "
      "END "
      "LEFT JOIN pg_namespace qn ON qn.oid = q.relnamespace ORDER BY c.oid <> " +
      std::to_string(store.table_oid) + ", c.oid");
  std::vector<Source> sources;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    sources.push_back({cell(rows, row, 0), cell(rows, row, 1), cell(rows, row, 2), cell(rows, row, 3),
                       cell(rows, row, 4), cell(rows, row, 5), rows.boolean(row, 6)});
  }
  return sources;
}

void find_sequence(Connection& connection, Store& store) {
  const auto sources = position_sources(connection, store);
  const Source& root = sources.front();
  const bool resolved = !root.sequence.empty() && (root.plain || !root.identity.empty());
  if (!resolved) {
    throw StoreRefused(fmt::format(
        "positions of {} do not come from one sequence: the default of global_position is {}, where "
        "nextval('<sequence>'"
        "::regclass) or an identity column is expected. Cure: CREATE SEQUENCE .. ; ALTER TABLE {} ALTER COLUMN "
        "global_position SET DEFAULT nextval('<sequence>'::regclass)",
        store.table, root.expression.empty() ? "missing" : root.expression, store.table));
  }
  store.sequence_oid = static_cast<std::uint32_t>(std::stoul(root.sequence));
  store.sequence = root.sequence_name;
  for (const Source& child : sources) {
    if (child.kind != "r" && child.kind != "p") {
      throw StoreRefused(
          fmt::format("{}, a part of {}, is not a local table (pg_class.relkind is '{}'), so the positions "
                      "of its rows cannot be followed. Cure: detach it",
                      child.table, store.table, child.kind));
    }
    // Without a default, NOT NULL refuses a row that gives no position, so no position comes from another sequence.
    const bool nothing = child.expression.empty() && child.identity.empty();
    const bool same = child.sequence == root.sequence && (child.plain || !child.identity.empty());
    const bool inherited_identity = !child.identity.empty() && child.sequence.empty();
    if (!nothing && !same && !inherited_identity) {
      throw StoreRefused(fmt::format("{}, a part of {}, takes its positions from {} and not from {}: two sequences "
                                     "have no common order. Cure: ALTER "
                                     "TABLE {} ALTER COLUMN global_position SET DEFAULT nextval({}::regclass)",
                                     child.table, store.table,
                                     child.expression.empty() ? child.sequence_name : child.expression, store.sequence,
                                     child.table, pg::quote_literal(store.sequence)));
    }
  }
}

void check_sequence(Connection& connection, Store& store) {
  const auto row =
      connection.exec("SELECT seqcache, seqcycle, seqincrement, has_sequence_privilege(seqrelid, 'SELECT'), "
                      "relpersistence = 'p' FROM pg_sequence JOIN pg_class ON oid = seqrelid WHERE seqrelid = $1",
                      pg::Parameters().int8(store.sequence_oid));
  std::vector<std::string> problems, cures;
  if (row.int8(0, 0) > 1) {
    problems.push_back(fmt::format("CACHE {} (sessions use positions that they drew long before)", row.int8(0, 0)));
    cures.emplace_back("CACHE 1");
  }
  if (row.boolean(0, 1)) {
    problems.emplace_back("CYCLE (positions would start again)");
    cures.emplace_back("NO CYCLE");
  }
  if (row.int8(0, 2) <= 0) {
    problems.push_back(fmt::format("INCREMENT BY {} (positions would fall)", row.int8(0, 2)));
    cures.emplace_back("INCREMENT BY 1");
  }
  if (!problems.empty()) {
    throw StoreRefused(fmt::format("the sequence {} has {}, so the order of positions does not follow the order of "
                                   "drawing them. Cure: ALTER SEQUENCE {} {}",
                                   store.sequence, fmt::join(problems, " and "), store.sequence,
                                   fmt::join(cures, " ")));
  }
  if (!row.boolean(0, 3)) {
    throw StoreRefused(fmt::format("role {} may not read the sequence {}. Cure: GRANT SELECT ON SEQUENCE {} TO {}",
                                   store.role, store.sequence, store.sequence, pg::quote_identifier(store.role)));
  }
  if (!row.boolean(0, 4)) {
    throw StoreRefused(fmt::format("the sequence {0} is UNLOGGED: a crash of the server sets it back, and positions "
                                   "would be given out twice. Cure: ALTER SEQUENCE {0} SET LOGGED",
                                   store.sequence));
  }
  const auto last = connection.exec(fmt::format("SELECT {} FROM {} s", kLastValueSql, store.sequence));
  store.last_value = last.int8(0, 0);
}

void check_subscriptions(Connection& connection, const Store& store) {
  const auto rows =
      connection.exec(tree_sql(store.table_oid) +
                      "SELECT s.subname, r.srrelid::regclass FROM pg_subscription_rel r "
                      "JOIN tree ON tree.oid = r.srrelid JOIN pg_subscription s ON s.oid = r.srsubid LIMIT 1");
  if (rows.rows() != 0) {
    throw StoreRefused(
        fmt::format("{} is fed by the logical subscription {}, which brings positions that another server "
                    "drew, in any order. Cure: let event_store.dsn lead to the publishing server",
                    cell(rows, 0, 1), cell(rows, 0, 0)));
  }
}

/// A row above 2 KB after compression is stored in parts, in a table of its own. While that one is empty, a text has at
/// most 255 times as many bytes (see event_columns_without_large_text).
std::string only_small_text_sql(const Store& store) {
  return fmt::format(
      "coalesce((SELECT relkind = 'r' AND pg_relation_size(reltoastrelid) = 0 AND coalesce(array_to_string("
      "reloptions, ' ') !~ 'toast_tuple_target', true) AND NOT EXISTS (SELECT FROM pg_attribute WHERE "
      "attrelid = pg_class.oid AND attname IN ('payload', 'metadata') AND attstorage NOT IN ('x', 'e')) "
      "FROM pg_class WHERE oid = {}), false)",
      store.table_oid);
}

std::string fingerprint_sql(const std::string& events_table, const Store& store) {
  return fmt::format("({0}SELECT md5(concat_ws('|', to_regclass({1})::oid, "
                     "(SELECT string_agg(concat_ws(',', c.oid, c.relkind, c.relfilenode, a.attidentity, d.oid, "
                     "d.adbin), ';' ORDER BY c.oid) "
                     " FROM tree JOIN pg_class c USING (oid) "
                     " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'global_position' "
                     " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum), "
                     "(SELECT concat_ws(',', q.seqcache, q.seqcycle, q.seqincrement, c.relfilenode) FROM pg_sequence q "
                     "JOIN pg_class c "
                     "ON c.oid = q.seqrelid WHERE q.seqrelid = {2}), "
                     "(SELECT count(*) FROM pg_subscription_rel r JOIN tree ON tree.oid = r.srrelid))))",
                     tree_sql(store.table_oid), pg::quote_literal(events_table), store.sequence_oid);
}

} // namespace

pg::ConnectOptions session_options(pg::ConnectOptions connect, const std::string& application_name) {
  connect.application_name = application_name;
  connect.settings.insert(connect.settings.end(), {{"default_transaction_read_only", "on"},
                                                   {"default_transaction_isolation", "read committed"},
                                                   {"default_transaction_deferrable", "off"}});
  for (const auto& [name, value] : kReadingSettings) {
    connect.settings.emplace_back(name, value);
  }
  return connect;
}

std::string begin_reading() {
  std::string sql(pg::kBeginReading);
  for (const auto& [name, value] : kReadingSettings) {
    sql += fmt::format("; SET LOCAL {} = {}", name, pg::quote_literal(value));
  }
  return sql;
}

Store check_store(pg::Connection& connection, const std::string& events_table) {
  Store store = check_server(connection);
  find_table(connection, events_table, store);
  check_table(connection, store);
  find_sequence(connection, store);
  check_sequence(connection, store);
  check_lowest_position(connection, store);
  check_subscriptions(connection, store);
  store.only_small_text_sql = only_small_text_sql(store);
  store.fingerprint_sql = fingerprint_sql(events_table, store);
  store.fingerprint = cell(connection.exec("SELECT " + store.fingerprint_sql), 0, 0);
  return store;
}

void check_same_server(pg::Connection& connection, const Store& store) {
  const Store here = check_server(connection);
  if (!store.identity.store.starts_with(here.identity.store + "/") || here.server != store.server ||
      here.identity.timeline != store.identity.timeline) {
    throw StoreRefused(
        fmt::format("event_store.dsn leads to several servers: one session is on the server started at {}, "
                    "another on one started at {}. Cure: name one server, or use "
                    "target_session_attrs=read-write",
                    store.server, here.server));
  }
}

std::string explain(const pg::Error& error, const Store& store) {
  if (error.is("42501") && std::string_view(error.what()).find("row-level security") != std::string_view::npos) {
    return fmt::format("row-level security of {} would hide events from role {}. Cure: ALTER ROLE {} BYPASSRLS",
                       store.table, store.role, pg::quote_identifier(store.role));
  }
  return error.what();
}

} // namespace projector::eventlog
