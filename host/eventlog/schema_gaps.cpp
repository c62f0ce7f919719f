#include "eventlog/schema_gaps.hpp"

#include "eventlog/table_check.hpp"

#include <fmt/core.h>

namespace projector::eventlog {
namespace {

std::string text(const pg::Result& rows, std::size_t row, std::size_t column) {
  return std::string(rows.bytes(row, column));
}

/// For each table with rows and each index that it needs: whether the index exists, the name of an invalid one, and the
/// session that is building it.
pg::Result read_indexes(pg::Connection& connection, std::uint32_t table_oid) {
  return connection.exec(
      tree_sql(table_oid) +
      "SELECT format('%I.%I', n.nspname, c.relname), w.options, w.columns, "
      "coalesce(bool_or(i.indisvalid AND i.indisready), false), "
      "min(format('%I.%I', xn.nspname, x.relname)) FILTER (WHERE NOT i.indisvalid), min(p.pid) "
      "FROM tree JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN (VALUES "
      "(1, 'UNIQUE ', '(global_position)', 'global_position', '', ''), "
      "(2, '', '(event_type, global_position)', 'event_type', 'global_position', ''), "
      "(3, '', '(correlation_id) WHERE correlation_id IS NOT NULL', 'correlation_id', '', '(correlation_id IS NOT "
      "NULL)')) w(place, options, columns, first, second, predicate) "
      "LEFT JOIN pg_index i ON i.indrelid = c.oid AND (w.options = '' OR i.indisunique) "
      "AND pg_get_indexdef(i.indexrelid, 1, true) = w.first "
      "AND (w.second = '' OR (i.indnkeyatts > 1 AND pg_get_indexdef(i.indexrelid, 2, true) = w.second)) "
      "AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = w.predicate) "
      "LEFT JOIN pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_namespace xn ON xn.oid = x.relnamespace "
      "LEFT JOIN pg_stat_progress_create_index p ON p.index_relid = i.indexrelid AND NOT i.indisvalid "
      "WHERE c.relkind = 'r' GROUP BY 1, 2, 3, c.oid, w.place ORDER BY c.oid, w.place");
}

void add_index_steps(pg::Connection& connection, std::uint32_t table_oid, SchemaGaps& gaps) {
  const auto rows = read_indexes(connection, table_oid);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    if (rows.boolean(row, 3) || !rows.is_null(row, 5)) {
      continue;
    }
    if (!rows.is_null(row, 4)) {
      gaps.steps.push_back(fmt::format("DROP INDEX CONCURRENTLY {}", text(rows, row, 4)));
    }
    gaps.steps.push_back(fmt::format("CREATE {}INDEX CONCURRENTLY ON {} {}", text(rows, row, 1), text(rows, row, 0),
                                     text(rows, row, 2)));
  }
}

void add_grants(pg::Connection& connection, std::uint32_t table_oid, const std::string& role, SchemaGaps& gaps) {
  const auto rows = connection.exec(
      "SELECT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $2::text) FROM pg_class c JOIN pg_namespace n ON "
      "n.oid "
      "= c.relnamespace WHERE c.oid = $1 AND NOT has_schema_privilege($2, n.oid, 'USAGE') UNION ALL "
      "SELECT format('GRANT SELECT ON %s TO %I', $1::oid::regclass, $2::text) WHERE NOT has_table_privilege($2, "
      "$1::oid, "
      "'SELECT') UNION ALL "
      "SELECT format('GRANT SELECT ON SEQUENCE %s TO %I', q.oid::regclass, $2::text) FROM pg_class q WHERE q.relkind = "
      "'S' AND NOT CASE WHEN q.relkind = 'S' THEN has_sequence_privilege($2, q.oid, 'SELECT') END AND q.oid IN (SELECT "
      "p.refobjid FROM pg_attrdef d JOIN "
      "pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass "
      "WHERE d.adrelid = $1::oid UNION SELECT p.objid FROM pg_depend p JOIN pg_attribute a ON a.attrelid = p.refobjid "
      "AND a.attnum = p.refobjsubid WHERE p.classid = 'pg_class'::regclass AND p.deptype = 'i' AND p.refobjid = "
      "$1::oid "
      "AND a.attname = 'global_position')",
      pg::Parameters().int8(table_oid).text(role));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    gaps.steps.push_back(text(rows, row, 0));
  }
}

} // namespace

SchemaGaps find_schema_gaps(pg::Connection& connection, const std::string& events_table, const std::string& role) {
  SchemaGaps gaps;
  const auto table = connection.exec("SELECT c.oid, pg_get_userbyid(c.relowner), pg_has_role(c.relowner, 'USAGE') FROM "
                                     "pg_class c WHERE c.oid = to_regclass($1)",
                                     pg::Parameters().text(events_table));
  if (table.rows() == 0) {
    gaps.no_table = true;
    return gaps;
  }
  const auto oid = static_cast<std::uint32_t>(table.int8(0, 0));
  add_index_steps(connection, oid, gaps);
  if (!role.empty()) {
    add_grants(connection, oid, role, gaps);
  }
  if (!gaps.steps.empty() && !table.boolean(0, 2)) {
    gaps.owner = text(table, 0, 1);
  }
  return gaps;
}

} // namespace projector::eventlog
