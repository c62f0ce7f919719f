#include "projection/forget.hpp"

#include "pg/transaction.hpp"
#include "projection/checkpoint.hpp"
#include "projection/projection_users.hpp"
#include "projection/stored_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::projection {
namespace {

/// The names that its partitions may have in any of the tables.
std::vector<std::string> names_of(pg::Connection& connection, const CheckpointTables& tables,
                                  const KnownProjection& known) {
  const auto rows = connection.exec(fmt::format("SELECT name FROM {} WHERE checkpoint = $1 UNION SELECT name FROM {} "
                                                "WHERE projection = $2 UNION SELECT $1",
                                                tables.checkpoints, tables.workers),
                                    pg::Parameters{}.text(known.checkpoint, 25).text(known.projection, 25));
  std::vector<std::string> names;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    names.emplace_back(rows.bytes(row, 0));
  }
  return names;
}

Forgotten forget_in_transaction(pg::Connection& connection, const CheckpointTables& tables,
                                const KnownProjection& known, bool mirrored, base::Duration heartbeat_limit) {
  Forgotten forgotten;
  if (!known.checkpoint.empty()) {
    lock_projection(connection, known.checkpoint);
    // First the one table, then the other, as every batch does.
    read_own_rows(connection, tables, known.checkpoint, true);
    for (const auto& row : read_mirrored_rows(connection, tables, known.checkpoint, mirrored)) {
      forgotten.mirrored.push_back(row.name);
    }
  }
  const auto names = names_of(connection, tables, known);
  if (const auto running = running_workers(connection, tables, names, "", heartbeat_limit); !running.empty()) {
    forgotten.refusal =
        fmt::format("{} runs: {}; stop that host, or take the projection out of its configuration, and run this again",
                    known.projection, running);
    return forgotten;
  }
  if (mirrored) {
    connection.exec(fmt::format("DELETE FROM {} WHERE projection_name = ANY ($1::text[])", tables.mirror),
                    pg::Parameters{}.text_array(forgotten.mirrored));
  }
  connection.exec(fmt::format("DELETE FROM {} WHERE checkpoint = $1", tables.checkpoints),
                  pg::Parameters{}.text(known.checkpoint));
  connection.exec(fmt::format("DELETE FROM {} WHERE name = ANY ($1::text[]) OR projection = $2", tables.workers),
                  pg::Parameters{}.text_array(names).text(known.projection));
  connection.exec(fmt::format("DELETE FROM {} WHERE checkpoint = $1", tables.projections),
                  pg::Parameters{}.text(known.checkpoint));
  return forgotten;
}

} // namespace

std::vector<KnownProjection> known_projections(pg::Connection& connection, const CheckpointTables& tables) {
  const auto rows = connection.exec(fmt::format(
      "SELECT projection, checkpoint FROM {0} UNION SELECT projection, '' FROM {1} w WHERE NOT EXISTS (SELECT "
      "FROM {0} p WHERE p.projection = w.projection) ORDER BY 1, 2",
      tables.projections, tables.workers));
  std::vector<KnownProjection> known;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    known.push_back({std::string(rows.bytes(row, 0)), std::string(rows.bytes(row, 1))});
  }
  return known;
}

Forgotten forget(pg::Connection& connection, const CheckpointTables& tables, const KnownProjection& known,
                 bool mirrored, base::Duration heartbeat_limit) {
  try {
    pg::Transaction transaction(connection, "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; "
                                            "SET LOCAL lock_timeout = '5s'");
    auto forgotten = forget_in_transaction(connection, tables, known, mirrored, heartbeat_limit);
    if (forgotten.refusal.empty()) {
      transaction.commit();
    }
    return forgotten;
  } catch (const pg::Error& error) {
    if (error.connection_lost() || !error.is("55P03")) {
      throw;
    }
  }
  return {.refusal =
              fmt::format("the checkpoints of {} are locked by {}; nothing was deleted: run this again when that "
                          "transaction has ended",
                          known.projection,
                          lock_holders(connection, tables, known.checkpoint, names_of(connection, tables, known))),
          .mirrored = {}};
}

} // namespace projector::projection
