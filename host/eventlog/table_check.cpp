#include "eventlog/table_check.hpp"

#include "pg/quote.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace projector::eventlog {
namespace {

struct ColumnRule {
  const char* name;
  const char* types; ///< names as in format_type, each between commas
  const char* expected;
  bool required; ///< NULL is not allowed
};
constexpr const char* kTextTypes = ",text,character varying,";
constexpr std::array kColumns = {
    ColumnRule{"global_position", ",bigint,", "bigint", true},
    ColumnRule{"bounded_context", kTextTypes, "text", true},
    ColumnRule{"aggregate_type", kTextTypes, "text", true},
    ColumnRule{"aggregate_id", kTextTypes, "text", true},
    ColumnRule{"aggregate_version", ",bigint,", "bigint", true},
    ColumnRule{"event_id", ",uuid,", "uuid", true},
    ColumnRule{"event_type", kTextTypes, "text", true},
    ColumnRule{"event_version", ",integer,", "integer", true},
    ColumnRule{"payload", ",bytea,", "bytea", true},
    ColumnRule{"metadata", ",jsonb,json,", "jsonb", false},
    ColumnRule{"trace_id", kTextTypes, "text", false},
    ColumnRule{"correlation_id", kTextTypes, "text", false},
    ColumnRule{"causation_id", kTextTypes, "text", false},
    ColumnRule{"created_at", ",timestamp with time zone,", "timestamp with time zone", true},
};

void check_columns(pg::Connection& connection, const Store& store) {
  const auto rows = connection.exec("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
                                    "WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped",
                                    pg::Parameters().int8(store.table_oid));
  std::vector<std::string> problems;
  for (const ColumnRule& rule : kColumns) {
    std::string type;
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      if (rows.bytes(row, 0) == rule.name) {
        type = std::string(rows.bytes(row, 1));
      }
    }
    if (type.empty()) {
      problems.push_back(fmt::format("{} {} is missing", rule.name, rule.expected));
    } else if (std::string_view(rule.types).find("," + type + ",") == std::string_view::npos) {
      problems.push_back(fmt::format("{} is {} where {} is expected", rule.name, type, rule.expected));
    }
  }
  if (!problems.empty()) {
    throw StoreRefused(fmt::format("the columns of {} do not fit: {}. Cure: alter the table, or set "
                                   "event_store.events_table to the right one; \"projectorctl schema print\" shows the "
                                   "expected table",
                                   store.table, fmt::join(problems, "; ")));
  }
}

/// One table of the tree.
struct Part {
  std::string table;
  bool holds_rows = false; ///< false for a partitioned table
  bool permanent = false;
  bool unique = false;               ///< a valid unique index over all rows begins with global_position
  std::string invalid_index;         ///< name of a unique index that is not valid, or empty
  std::vector<std::string> nullable; ///< required columns that allow NULL
};

/// All tables of the tree, the root first.
std::vector<Part> read_parts(pg::Connection& connection, const Store& store) {
  std::vector<std::string> required;
  for (const ColumnRule& rule : kColumns) {
    if (rule.required) {
      required.emplace_back(rule.name);
    }
  }
  const std::string index = "FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace xn ON xn.oid = "
                            "x.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = "
                            "'global_position' WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND "
                            "i.indkey[0] = a.attnum AND ";
  const auto rows = connection.exec(
      tree_sql(store.table_oid) +
          fmt::format("SELECT format('%I.%I', n.nspname, c.relname), c.relkind = 'r', c.relpersistence = 'p', "
                      "EXISTS (SELECT {0} i.indisvalid AND i.indisready), "
                      "(SELECT min(format('%I.%I', xn.nspname, x.relname)) {0} NOT i.indisvalid), "
                      "(SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = "
                      "c.oid AND NOT a.attisdropped AND NOT a.attnotnull AND a.attname = ANY ($1::text[])) "
                      "FROM tree JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace "
                      "WHERE c.relkind IN ('r', 'p') ORDER BY c.oid <> {1}, 1",
                      index, store.table_oid),
      pg::Parameters().text_array(required));
  std::vector<Part> parts;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    Part part{.table = std::string(rows.bytes(row, 0)),
              .holds_rows = rows.boolean(row, 1),
              .permanent = rows.boolean(row, 2),
              .unique = rows.boolean(row, 3),
              .invalid_index = std::string(rows.bytes(row, 4)),
              .nullable = {}};
    const std::string_view names = rows.bytes(row, 5);
    for (const std::string& name : required) {
      if ((" " + std::string(names) + " ").find(" " + name + " ") != std::string::npos) {
        part.nullable.push_back(name);
      }
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

void check_persistence(const std::vector<Part>& parts) {
  for (const Part& part : parts) {
    if (part.holds_rows && !part.permanent) {
      throw StoreRefused(fmt::format("{} is UNLOGGED or temporary: a crash of the server empties it, and the positions "
                                     "of lost events would be given to new ones. Cure: ALTER TABLE {} SET LOGGED",
                                     part.table, part.table));
    }
  }
}

void check_not_null(const std::vector<Part>& parts) {
  std::vector<std::string> problems, cures;
  const auto& root = parts.front().nullable;
  for (const Part& part : parts) {
    std::vector<std::string> columns, actions;
    for (const std::string& column : part.nullable) {
      // NOT NULL on the root also applies to its parts.
      if (&part == &parts.front() || std::find(root.begin(), root.end(), column) == root.end()) {
        columns.push_back(column);
        actions.push_back(fmt::format("ALTER COLUMN {} SET NOT NULL", column));
      }
    }
    if (!columns.empty()) {
      problems.push_back(fmt::format("{} of {}", fmt::join(columns, ", "), part.table));
      cures.push_back(fmt::format("ALTER TABLE {} {}", part.table, fmt::join(actions, ", ")));
    }
  }
  if (!problems.empty()) {
    throw StoreRefused(fmt::format("columns that every event needs allow NULL: {}; one event without such a value "
                                   "would stop all projections. Cure: {} (rows that have NULL there get a value "
                                   "first)",
                                   fmt::join(problems, "; "), fmt::join(cures, "; ")));
  }
}

void check_unique_index(const std::vector<Part>& parts) {
  std::vector<std::string> problems, cures;
  for (const Part& part : parts) {
    if (part.holds_rows && !part.unique) {
      problems.push_back(part.invalid_index.empty() ? part.table
                                                    : fmt::format("{} ({} is not valid: its CREATE INDEX failed)",
                                                                  part.table, part.invalid_index));
      if (!part.invalid_index.empty()) {
        cures.push_back(fmt::format("DROP INDEX CONCURRENTLY {}", part.invalid_index));
      }
      cures.push_back(fmt::format("CREATE UNIQUE INDEX CONCURRENTLY ON {} (global_position)", part.table));
    }
  }
  if (!problems.empty()) {
    throw StoreRefused(fmt::format("no unique index begins with global_position: {}; each poll would read the whole "
                                   "table, and two events could have one position. Cure: {} (where positions stand "
                                   "twice, it fails and names one)",
                                   fmt::join(problems, ", "), fmt::join(cures, "; ")));
  }
}

} // namespace

std::string tree_sql(std::uint32_t table_oid) {
  return fmt::format("WITH RECURSIVE tree(oid) AS (SELECT {}::oid UNION "
                     "SELECT i.inhrelid FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid) ",
                     table_oid);
}

void check_table(pg::Connection& connection, const Store& store) {
  check_columns(connection, store);
  const auto parts = read_parts(connection, store);
  check_persistence(parts);
  check_not_null(parts);
  check_unique_index(parts);
}

void check_lowest_position(pg::Connection& connection, const Store& store) {
  if (store.last_value < 0) {
    throw StoreRefused(fmt::format("the sequence {0} stands below 1, and positions begin at 1: 0 is the beginning of "
                                   "the log, before every event. Cure: ALTER SEQUENCE {0} MINVALUE 1 START 1 RESTART 1 "
                                   "(where events above 0 exist: RESTART above the highest)",
                                   store.sequence));
  }
  const auto rows = connection.exec(
      fmt::format("SELECT global_position FROM {} WHERE global_position < 1 ORDER BY 1 LIMIT 1", store.table));
  if (rows.rows() != 0) {
    throw StoreRefused(fmt::format(
        "{0} has an event at position {1}, and positions begin at 1: events at 0 and below come before the beginning "
        "of the log and are never handled. Cure, in one transaction, by which they are handled after all others and "
        "in their order: UPDATE {0} e SET global_position = n.next FROM (SELECT o.global_position, nextval({2}) AS "
        "next FROM (SELECT global_position FROM {0} WHERE global_position < 1 ORDER BY 1) o) n WHERE "
        "e.global_position = n.global_position",
        store.table, rows.int8(0, 0), pg::quote_literal(store.sequence)));
  }
}

} // namespace projector::eventlog
