#include "projection/stored_rows.hpp"

#include <fmt/format.h>

namespace projector::projection {

CheckpointTables find_present_tables(pg::Connection& connection, const std::string& checkpoints_table) {
  if (auto all = find_tables(connection, checkpoints_table)) {
    return *all;
  }
  const auto names = connection.exec(
      "SELECT coalesce((SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c JOIN "
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(wanted.name)), ''), "
      "current_setting('search_path') FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, place) ORDER BY place",
      pg::Parameters{}.text_array({"projector_projections", "projector_checkpoints", "projector_workers",
                                   "projector_stores", checkpoints_table}));
  const auto name = [&](std::size_t row) { return std::string(names.bytes(row, 0)); };
  CheckpointTables tables{name(0), name(1), name(2), name(3), name(4), std::string(names.bytes(0, 1))};
  if (tables.checkpoints.empty()) {
    tables.projections.clear(); // without its checkpoints a projection's row says nothing
  }
  return tables;
}

std::optional<ProjectionRow> read_projection(pg::Connection& connection, const CheckpointTables& tables,
                                             const std::string& base) {
  if (tables.projections.empty()) {
    return std::nullopt;
  }
  const auto row = connection.exec(fmt::format("SELECT partitions, epoch, store, read_model_version, rebuild_requested "
                                               "FROM {} WHERE checkpoint = $1",
                                               tables.projections),
                                   pg::Parameters{}.text(base));
  if (row.rows() == 0) {
    return std::nullopt;
  }
  return ProjectionRow{row.int8(0, 0), row.int8(0, 1), std::string(row.bytes(0, 2)), row.int8(0, 3), row.int8(0, 4)};
}

std::vector<ForeignRow> read_mirrored_rows(pg::Connection& connection, const CheckpointTables& tables,
                                           const std::string& base, bool lock) {
  std::vector<ForeignRow> found;
  if (tables.mirror.empty()) {
    return found;
  }
  const auto rows = connection.exec(
      fmt::format("SELECT projection_name, last_global_position, (extract(epoch FROM updated_at) * 1000000)::bigint "
                  "FROM {} WHERE projection_name = $1 OR (left(projection_name, length($1) + 2) = $1 || '_p' AND "
                  "substr(projection_name, length($1) + 3) ~ '^[0-9]+$') ORDER BY projection_name{}",
                  tables.mirror, lock ? " FOR UPDATE" : ""),
      pg::Parameters{}.text(base, 25));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    found.push_back({.name = std::string(rows.bytes(row, 0)),
                     .position = rows.int8(row, 1),
                     .moved_at = rows.is_null(row, 2) ? std::nullopt : std::optional(rows.int8(row, 2))});
  }
  return found;
}

std::optional<OwnRows> read_own_rows(pg::Connection& connection, const CheckpointTables& tables,
                                     const std::string& base, bool lock) {
  const auto projection = read_projection(connection, tables, base);
  if (!projection) {
    return std::nullopt;
  }
  OwnRows own;
  own.partitions = static_cast<std::uint32_t>(projection->partitions);
  const auto rows = connection.exec(fmt::format("SELECT name, position FROM {} WHERE checkpoint = $1 ORDER BY name{}",
                                                tables.checkpoints, lock ? " FOR UPDATE" : ""),
                                    pg::Parameters{}.text(base));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    own.positions.emplace(rows.bytes(row, 0), rows.int8(row, 1));
  }
  return own;
}

} // namespace projector::projection
