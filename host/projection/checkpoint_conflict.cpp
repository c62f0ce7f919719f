#include "projection/checkpoint_conflict.hpp"

#include "projection/projection_users.hpp"

#include <fmt/format.h>

#include <string_view>

namespace projector::projection {
namespace {

constexpr base::Duration kShowsLife = std::chrono::seconds(3);

/// The schema that a projection's tables are in, in SQL: where `named` names none, the session's current one.
std::string schema_of(std::string_view named) {
  return fmt::format("coalesce(nullif({}, ''), current_schema(), '')", named);
}

} // namespace

std::string refuse_shared_tables(pg::Connection& connection, const CheckpointTables& tables,
                                 const CheckpointRequest& request) {
  if (!request.shares_tables) {
    return {};
  }
  connection.exec("SELECT pg_advisory_xact_lock(hashtext('projectord plugin'), hashtext($1))",
                  pg::Parameters{}.text(request.plugin));
  // A row that names no schema is of an older host: then it counts as the default one.
  const auto first = connection.exec(
      fmt::format(
          "WITH wanted AS (SELECT {1} AS name), others AS (SELECT projection, checkpoint, created_at, {2} AS name FROM "
          "{0} WHERE plugin = $2) SELECT o.projection, o.name, o.checkpoint "
          "FROM wanted JOIN others o USING (name) LEFT JOIN others own ON own.checkpoint = $1 AND own.name = "
          "wanted.name WHERE o.checkpoint <> $1 AND o.projection <> $4 AND (own.checkpoint IS NULL OR "
          "(o.created_at, o.projection) < (own.created_at, own.projection)) ORDER BY o.created_at, "
          "o.projection LIMIT 1",
          tables.projections, schema_of("$3"), schema_of("table_schema")),
      pg::Parameters{}
          .text(request.key.base, 25)
          .text(request.plugin, 25)
          .text(request.schema, 25)
          .text(request.projection, 25));
  if (first.rows() == 0) {
    return {};
  }
  return refuse_second_projection(request.projection, std::string(first.bytes(0, 0)), request.plugin);
}

std::string refuse_second_projection(const std::string& projection, const std::string& first,
                                     const std::string& plugin) {
  return fmt::format("{0} and {1} are projections on plugin {2}, which does not name its tables by projection, in one "
                     "schema: both would write into the same tables, and {1} was there first. Give {0} a schema of its "
                     "own in [projection.{0}], such as schema = \"{0}\"; or build the plugin so that its tables' names "
                     "begin with projection_name, and with PROJECTOR_PLUGIN_TABLES_BY_PROJECTION among its flags",
                     projection, first, plugin);
}

std::string refuse_going_back(pg::Connection& connection, const CheckpointTables& tables,
                              const CheckpointRequest& request, const std::optional<ProjectionRow>& stored) {
  const bool asked = stored && request.rebuild.requested && stored->rebuild_requested > 0;
  if (!asked || request.read_model_version >= stored->read_model_version) {
    return {};
  }
  std::vector<std::string> names;
  for (std::uint32_t partition = 0; partition < request.key.partitions; ++partition) {
    names.push_back(CheckpointKey{request.key.base, partition, request.key.partitions}.name());
  }
  const auto users = running_workers(connection, tables, names, request.host, kShowsLife);
  if (users.empty()) {
    return {};
  }
  return fmt::format(
      "the read model of checkpoint {} is of version {}, plugin {} makes version {} here, and other hosts "
      "still run the projection: {}; put this version of the plugin on all of them first, or the newer "
      "one here",
      request.key.base, stored->read_model_version, request.plugin, request.read_model_version, users);
}

void write_description(pg::Connection& connection, const CheckpointTables& tables, const CheckpointRequest& request) {
  connection.exec(
      fmt::format(
          "UPDATE {} p SET projection = given.projection, plugin = given.plugin, autostarted = given.autostarted, "
          "table_schema = given.table_schema FROM (SELECT $2 AS projection, $3 AS plugin, $4 AS autostarted, {} AS "
          "table_schema) AS given WHERE checkpoint = $1 AND (p.projection, p.plugin, p.autostarted, p.table_schema) IS "
          "DISTINCT FROM (given.projection, given.plugin, given.autostarted, given.table_schema)",
          tables.projections, schema_of("$5")),
      pg::Parameters{}
          .text(request.key.base, 25)
          .text(request.projection, 25)
          .text(request.plugin, 25)
          .text(request.autostarted ? "t" : "f", 16)
          .text(request.schema, 25));
}

} // namespace projector::projection
