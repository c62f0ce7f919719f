#include "eventlog/schema.hpp"

#include "pg/connection.hpp"
#include "pg/quote.hpp"

#include <fmt/core.h>

#include <string_view>

namespace projector::eventlog {
namespace {

/// The last part of a possibly qualified, possibly quoted name, without its quotes; and what stands before it, dot
/// included.
struct Name {
  std::string schema;
  std::string table;
};

Name split(std::string_view name) {
  bool quoted = false;
  std::size_t dot = std::string_view::npos;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '"') {
      quoted = !quoted;
    } else if (name[at] == '.' && !quoted) {
      dot = at;
    }
  }
  Name parts;
  if (dot != std::string_view::npos) {
    parts.schema = name.substr(0, dot + 1);
    name.remove_prefix(dot + 1);
  }
  if (name.size() >= 2 && name.front() == '"') {
    for (std::size_t at = 1; at + 1 < name.size(); ++at) {
      parts.table += name[at];
      at += name[at] == '"' ? 1 : 0;
    }
  } else {
    for (const char letter : name) {
      parts.table += static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
    }
  }
  return parts;
}

} // namespace

std::string store_schema(const std::string& events_table, const std::string& role) {
  const Name name = split(events_table);
  const auto quoted = [](const std::string& identifier) { return pg::quote_identifier(identifier); };
  const std::string table = name.schema + quoted(name.table);
  const std::string heads = name.schema + "aggregate_heads";
  std::string sql;
  if (!name.schema.empty()) {
    sql += fmt::format("CREATE SCHEMA IF NOT EXISTS {};\n", name.schema.substr(0, name.schema.size() - 1));
  }
  sql += fmt::format(R"(CREATE TABLE IF NOT EXISTS {0} (
  global_position BIGSERIAL PRIMARY KEY,
  bounded_context TEXT NOT NULL,
  aggregate_type TEXT NOT NULL,
  aggregate_id TEXT NOT NULL,
  aggregate_version BIGINT NOT NULL,
  event_id UUID NOT NULL UNIQUE,
  event_type TEXT NOT NULL,
  event_version INT NOT NULL DEFAULT 1,
  payload BYTEA NOT NULL,
  trace_id TEXT,
  correlation_id TEXT,
  causation_id TEXT,
  metadata JSONB,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  UNIQUE (bounded_context, aggregate_type, aggregate_id, aggregate_version)
);
-- If the table has rows and programs append to it, use "projectorctl schema apply", which does not block them.
DO $index$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = {1}::regclass AND indpred IS NULL AND indnkeyatts > 1 AND
      pg_get_indexdef(indexrelid, 1, true) = 'event_type' AND
      pg_get_indexdef(indexrelid, 2, true) = 'global_position') THEN
    CREATE INDEX ON {0} (event_type, global_position);
  END IF;
  IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = {1}::regclass AND
      pg_get_indexdef(indexrelid, 1, true) = 'correlation_id' AND
      coalesce(pg_get_expr(indpred, indrelid), '(correlation_id IS NOT NULL)') = '(correlation_id IS NOT NULL)') THEN
    CREATE INDEX ON {0} (correlation_id) WHERE correlation_id IS NOT NULL;
  END IF;
END $index$;
CREATE TABLE IF NOT EXISTS {2} (
  bounded_context TEXT NOT NULL,
  aggregate_type TEXT NOT NULL,
  aggregate_id TEXT NOT NULL,
  aggregate_version BIGINT NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (bounded_context, aggregate_type, aggregate_id)
);
)",
                     table, pg::quote_literal(table), heads);
  if (role.empty()) {
    return sql;
  }
  const std::string grantee = quoted(role);
  if (!name.schema.empty()) {
    sql += fmt::format("GRANT USAGE ON SCHEMA {} TO {};\n", name.schema.substr(0, name.schema.size() - 1), grantee);
  }
  sql += fmt::format("GRANT SELECT ON {} TO {};\n", table, grantee);
  // A table that existed before may use a sequence of another name than BIGSERIAL gives.
  sql += fmt::format(R"(DO $grant$ BEGIN
  EXECUTE format('GRANT SELECT ON SEQUENCE %s TO %I', coalesce(pg_get_serial_sequence({0}, 'global_position'),
    (SELECT q.oid::regclass::text FROM pg_attrdef d
     JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
     JOIN pg_class q ON q.oid = p.refobjid AND q.relkind = 'S' WHERE d.adrelid = {0}::regclass)), {1});
END $grant$;
)",
                     pg::quote_literal(table), pg::quote_literal(role));
  sql += fmt::format("-- To name the transaction that a gap waits for:\n-- GRANT pg_read_all_stats TO {};\n", grantee);
  return sql;
}

std::string lag_query(const std::string& events_table) {
  const Name name = split(events_table);
  const std::string table = name.schema + pg::quote_identifier(name.table);
  return fmt::format("SELECT p.position, (SELECT coalesce(max(global_position), 0) FROM {0}), "
                     "(SELECT (greatest(0, extract(epoch FROM clock_timestamp() - e.created_at)) * 1000000)::bigint "
                     "FROM {0} e WHERE e.global_position > p.position ORDER BY e.global_position LIMIT 1) "
                     "FROM unnest(NULL::bigint || $1::bigint[]) p(position)",
                     table);
}

} // namespace projector::eventlog
