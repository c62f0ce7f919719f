#include "projection/moved_rows.hpp"

#include "pg/quote.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::projection {
namespace {

/// Rows (name, before, position) of a VALUES list.
std::string values_of(const std::vector<MovedRow>& rows, std::int64_t MovedRow::*before,
                      std::int64_t MovedRow::*position) {
  std::string values;
  for (const auto& row : rows) {
    values += fmt::format("{}({}, {}, {})", values.empty() ? "" : ", ", pg::quote_literal(row.name), row.*before,
                          row.*position);
  }
  return values;
}

std::string own_to_mirrored(const CheckpointTables& tables, const std::vector<MovedRow>& rows) {
  if (rows.size() == 1) {
    return fmt::format("UPDATE {0} SET position = {1}, highest = greatest(highest, {1}) WHERE name = {2} AND position "
                       "= {3}",
                       tables.checkpoints, rows[0].mirrored, pg::quote_literal(rows[0].name), rows[0].position);
  }
  return fmt::format("UPDATE {} AS c SET position = v.position, highest = greatest(highest, v.position) FROM (VALUES "
                     "{}) AS v (name, before, position) WHERE c.name = v.name AND c.position = v.before",
                     tables.checkpoints, values_of(rows, &MovedRow::position, &MovedRow::mirrored));
}

std::string mirrored_to_own(const CheckpointTables& tables, const std::vector<MovedRow>& rows) {
  if (rows.size() == 1) {
    return fmt::format("UPDATE {} SET last_global_position = {} WHERE projection_name = {} AND last_global_position = "
                       "{}",
                       tables.mirror, rows[0].position, pg::quote_literal(rows[0].name), rows[0].mirrored);
  }
  return fmt::format("UPDATE {} AS m SET last_global_position = v.position FROM (VALUES {}) AS v (name, before, "
                     "position) WHERE m.projection_name = v.name AND m.last_global_position = v.before",
                     tables.mirror, values_of(rows, &MovedRow::mirrored, &MovedRow::position));
}

/// `row`, and those of `others` that were moved in the same direction.
std::vector<MovedRow> moved_alike(const MovedRow& row, const std::vector<MovedRow>& others) {
  std::vector<MovedRow> alike{row};
  for (const auto& other : others) {
    if (other.name != row.name && other.mirrored != other.position &&
        (other.mirrored > other.position) == (row.mirrored > row.position)) {
      alike.push_back(other);
    }
  }
  return alike;
}

} // namespace

std::vector<MovedRow> read_moved_rows(pg::Connection& connection, const CheckpointTables& tables,
                                      const std::string& base) {
  const auto rows = connection.exec(fmt::format("SELECT c.name, c.position, m.last_global_position FROM {} c JOIN {} m "
                                                "ON m.projection_name = c.name WHERE c.checkpoint = $1 AND c.position "
                                                "<> m.last_global_position ORDER BY c.partition",
                                                tables.checkpoints, tables.mirror),
                                    pg::Parameters{}.text(base));
  std::vector<MovedRow> moved;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    moved.push_back(
        {.name = std::string(rows.bytes(row, 0)), .position = rows.int8(row, 1), .mirrored = rows.int8(row, 2)});
  }
  return moved;
}

std::string refuse_moved(const CheckpointTables& tables, const MovedRow& row, const std::vector<MovedRow>& others) {
  const auto rows = moved_alike(row, others);
  const bool forward = row.mirrored > row.position;
  const std::string go_on = forward ? own_to_mirrored(tables, rows) : mirrored_to_own(tables, rows);
  const std::string again = forward ? mirrored_to_own(tables, rows) : own_to_mirrored(tables, rows);
  std::string also;
  for (std::size_t index = 1; index < rows.size(); ++index) {
    also += fmt::format("{}{} ({} and {})", index == 1 ? "" : ", ", rows[index].name, rows[index].mirrored,
                        rows[index].position);
  }
  if (!also.empty()) {
    also = fmt::format(" It also moved {}, and each of these statements is for all of them.", also);
  }
  return fmt::format(
      "checkpoint {} was moved by another program: {} says {}, this host's last position is {}; stop that "
      "program.{} If the events up to {} have been handled, continue after them: {}. To handle the "
      "events above {} {}: {}",
      row.name, tables.mirror, row.mirrored, row.position, also, std::max(row.mirrored, row.position), go_on,
      std::min(row.mirrored, row.position), forward ? "here, too" : "again", again);
}

} // namespace projector::projection
