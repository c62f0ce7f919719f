#include "projection/named_projections.hpp"

#include "projection/bounded_statement.hpp"

#include <fmt/format.h>

namespace projector::projection {

NamedProjections read_named_projections(pg::Connection& connection, const CheckpointTables& tables) {
  NamedProjections named;
  const auto rows = exec_bounded(
      connection, std::chrono::seconds(5),
      fmt::format("SELECT projection, plugin, checkpoint, coalesce(table_schema, current_schema(), ''), autostarted "
                  "FROM {} ORDER BY created_at, projection",
                  tables.projections),
      pg::Parameters{});
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto text = [&](std::size_t column) { return std::string(rows.bytes(row, column)); };
    named.all.push_back({.projection = text(0),
                         .plugin = text(1),
                         .checkpoint = text(2),
                         .schema = text(3),
                         .autostarted = rows.is_null(row, 4) ? std::nullopt : std::optional(text(4) == "t")});
  }
  named.default_schema = std::string(connection.exec("SELECT coalesce(current_schema(), '')").bytes(0, 0));
  return named;
}

} // namespace projector::projection
