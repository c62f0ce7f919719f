#include "control/forget.hpp"

#include "control/find_projection.hpp"
#include "control/status.hpp"
#include "pg/connection.hpp"
#include "pg/quote.hpp"
#include "projection/forget.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace projector::control {
namespace {

ForgetAnswer refused(const std::string& text) {
  return {false, text + "\n"};
}

/// Why a host with this configuration would make it again; empty if it would not.
std::string refuse_configured(const config::Loaded& loaded, const projection::KnownProjection& known) {
  for (const auto& file : loaded.refused) {
    if (std::find(file.projections.begin(), file.projections.end(), known.projection) != file.projections.end()) {
      return fmt::format("{} names {}: remove it there first, and reload the hosts", file.file.string(),
                         known.projection);
    }
  }
  for (const auto& [name, projection] : loaded.configuration->projections) {
    if (name == known.projection || projection.checkpoint == known.checkpoint) {
      return fmt::format("{} names {}: remove [projection.{}] there first", config::to_string(projection.where),
                         known.projection, name);
    }
  }
  const auto found = find_projection(*loaded.configuration, known.projection);
  return found.wanted ? fmt::format("{} starts by itself, since {} is in a directory of plugins.autostart: remove that "
                                    "file first",
                                    known.projection, found.wanted->plugin->file.string())
                      : std::string();
}

std::string names_of(const std::vector<projection::KnownProjection>& known) {
  std::set<std::string> names;
  for (const auto& one : known) {
    names.insert(one.projection);
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

/// Tables whose names begin with the projection's name, as those of the shipped plugins do.
std::vector<std::string> likely_tables(pg::Connection& connection, const std::string& projection) {
  const auto rows = connection.exec("SELECT format('%I.%I', schemaname, tablename) FROM pg_catalog.pg_tables WHERE "
                                    "left(tablename, length($1) + 1) = $1 "
                                    "|| '_' AND schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
                                    pg::Parameters{}.text(projection, 25));
  std::vector<std::string> tables;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    tables.emplace_back(rows.bytes(row, 0));
  }
  return tables;
}

std::string left_behind(pg::Connection& connection, const projection::CheckpointTables& tables,
                        const std::string& projection, const std::vector<std::string>& mirrored, bool deleted) {
  std::string text;
  if (!mirrored.empty()) {
    std::vector<std::string> quoted;
    std::transform(mirrored.begin(), mirrored.end(), std::back_inserter(quoted), pg::quote_literal);
    text += deleted
                ? fmt::format("Its rows of {} ({}) were deleted, too.\n", tables.mirror, fmt::join(mirrored, ", "))
                : fmt::format("Its rows of {} are left for other programs, and a projection of that name would go on "
                              "from them; to delete them run DELETE FROM {} WHERE projection_name IN ({})\n",
                              tables.mirror, tables.mirror, fmt::join(quoted, ", "));
  }
  const auto likely = likely_tables(connection, projection);
  return text + (likely.empty() ? "Tables that its plugin made are left, if there are any.\n"
                                : fmt::format("Tables that its plugin made are left; by their names these may be: {}\n",
                                              fmt::join(likely, ", ")));
}

} // namespace

ForgetAnswer forget(const config::Loaded& loaded, const std::string& projection, bool mirrored,
                    const base::Stop& stop) {
  pg::ConnectOptions options;
  options.dsn = loaded.configuration->read_model.dsn;
  options.application_name = "projectorctl";
  pg::Connection connection(options, stop);
  const auto tables = projection::find_tables(connection, loaded.configuration->read_model.checkpoints_table);
  const auto known =
      tables ? projection::known_projections(connection, *tables) : std::vector<projection::KnownProjection>();
  std::vector<std::string> rows;
  bool found = false;
  for (const auto& one : known) {
    if (one.projection != projection) {
      continue;
    }
    found = true;
    if (auto refusal = refuse_configured(loaded, one); !refusal.empty()) {
      return refused(refusal);
    }
    auto forgotten = projection::forget(connection, *tables, one, mirrored, kHeartbeatLimit);
    if (!forgotten.refusal.empty()) {
      return refused(forgotten.refusal);
    }
    rows.insert(rows.end(), forgotten.mirrored.begin(), forgotten.mirrored.end());
  }
  if (!found) {
    return refused(fmt::format("no host has ever run {} here; known: {}", projection, names_of(known)));
  }
  return {true, fmt::format("{} is forgotten: its checkpoints and states were deleted.\n", projection) +
                    left_behind(connection, *tables, projection, rows, mirrored)};
}

} // namespace projector::control
