#include "projection/checkpoint_group.hpp"

#include "pg/pipeline.hpp"
#include "pg/transaction.hpp"
#include "projection/bounded_statement.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>

namespace projector::projection {
namespace {

enum Tag : std::size_t { kBegin, kSetting, kLock, kWrite, kCommit };

void finish(pg::Pipeline& pipeline, const pg::Pipeline::OnResult& on_result) {
  if (const auto failed = pipeline.sync(on_result)) {
    throw failed->error;
  }
}

/// Begins the transaction and locks the rows that nobody else has locked. Returns the existing rows by name, each with
/// whether it and its mirrored row were locked here.
std::map<std::string, bool> lock_rows(pg::Connection& connection, const CheckpointTables& tables,
                                      const std::vector<GroupedMove>& moves, base::Duration lock_timeout) {
  std::vector<std::string> names;
  names.reserve(moves.size());
  for (const auto& move : moves) {
    names.push_back(move.key.name());
  }
  std::map<std::string, bool> free;
  pg::Pipeline pipeline(connection);
  pipeline.send("BEGIN ISOLATION LEVEL READ COMMITTED", {}, {}, kBegin);
  pipeline.send("SELECT set_config('lock_timeout', $1, true)", pg::Parameters{}.text(setting_value(lock_timeout)), {},
                kSetting);
  pipeline.send(
      fmt::format("WITH locked AS (SELECT name FROM {0} WHERE name = ANY ($1::text[]) FOR UPDATE SKIP LOCKED),"
                  " mirrored AS (SELECT projection_name FROM {1} WHERE projection_name = ANY ($1::text[])"
                  " FOR UPDATE SKIP LOCKED)"
                  " SELECT c.name, l.name IS NOT NULL AND (m.projection_name IS NOT NULL OR NOT EXISTS"
                  " (SELECT FROM {1} r WHERE r.projection_name = c.name)) FROM {0} c"
                  " LEFT JOIN locked l ON l.name = c.name LEFT JOIN mirrored m ON m.projection_name = c.name"
                  " WHERE c.name = ANY ($1::text[])",
                  tables.checkpoints, tables.mirror),
      pg::Parameters{}.text_array(names), {}, kLock);
  finish(pipeline, [&](std::size_t tag, pg::Result&& result) {
    for (std::size_t row = 0; tag == kLock && row < result.rows(); ++row) {
      free.emplace(result.bytes(row, 0), result.boolean(row, 1));
    }
  });
  return free;
}

/// Moves the rows that are at the expected position, in a new snapshot, which sees an epoch that was raised by the
/// transaction that held a row before. Returns the names of the moved rows, each with its position.
std::map<std::string, std::int64_t> write_rows(pg::Connection& connection, const CheckpointTables& tables,
                                               const std::vector<GroupedMove>& moves) {
  std::vector<std::string> names, bases;
  std::vector<std::int64_t> stored, positions, epochs, partitions;
  for (const auto& move : moves) {
    names.push_back(move.key.name());
    bases.push_back(move.key.base);
    stored.push_back(move.stored);
    positions.push_back(move.position);
    epochs.push_back(move.epoch);
    partitions.push_back(move.key.partitions);
  }
  std::map<std::string, std::int64_t> written;
  pg::Pipeline pipeline(connection);
  pipeline.send(fmt::format("WITH moved AS (UPDATE {0} c SET position = m.position, highest = greatest(highest, "
                            "m.position) FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], "
                            "$5::bigint[], $6::bigint[]) AS m(name, base, stored, position, epoch, partitions) JOIN "
                            "{1} p ON p.checkpoint = m.base AND p.epoch = m.epoch AND p.partitions = m.partitions "
                            "JOIN {2} r ON r.projection_name = m.name AND r.last_global_position = m.stored "
                            "WHERE c.name = m.name AND c.position = m.stored RETURNING c.name, c.position), "
                            "mirrored AS (UPDATE {2} r SET last_global_position = moved.position, updated_at = CASE "
                            "WHEN updated_at < now() - interval '1 second' THEN now() ELSE updated_at END FROM moved "
                            "WHERE r.projection_name = moved.name) SELECT name, position FROM moved",
                            tables.checkpoints, tables.projections, tables.mirror),
                pg::Parameters{}
                    .text_array(names)
                    .text_array(bases)
                    .int8_array(stored)
                    .int8_array(positions)
                    .int8_array(epochs)
                    .int8_array(partitions),
                {}, kWrite);
  pipeline.send("COMMIT", {}, {}, kCommit);
  finish(pipeline, [&](std::size_t tag, pg::Result&& result) {
    for (std::size_t row = 0; tag == kWrite && row < result.rows(); ++row) {
      written.emplace(result.bytes(row, 0), result.int8(row, 1));
    }
  });
  return written;
}

std::vector<MoveAnswer> lock_and_write(pg::Connection& connection, const CheckpointTables& tables,
                                       const std::vector<GroupedMove>& moves, base::Duration lock_timeout,
                                       const std::function<bool()>& confirm) {
  const auto free = lock_rows(connection, tables, moves, lock_timeout);
  if (confirm && !confirm()) {
    return {};
  }
  std::vector<GroupedMove> asked;
  std::set<std::string> names;
  for (const auto& move : moves) {
    const auto found = free.find(move.key.name());
    // Of two moves of one row the first counts: the second's answer is then that it was moved.
    if (found != free.end() && found->second && names.insert(found->first).second) {
      asked.push_back(move);
    }
  }
  const auto written = write_rows(connection, tables, asked);
  std::vector<MoveAnswer> answers;
  for (const auto& move : moves) {
    const auto row = free.find(move.key.name());
    const auto moved = written.find(move.key.name());
    if (row != free.end() && !row->second) {
      answers.push_back(MoveAnswer::Busy);
    } else {
      const bool own = moved != written.end() && moved->second == move.position;
      answers.push_back(own ? MoveAnswer::Written : MoveAnswer::Moved);
    }
  }
  return answers;
}

} // namespace

std::vector<MoveAnswer> write_checkpoints(pg::Connection& connection, const CheckpointTables& tables,
                                          const std::vector<GroupedMove>& moves, base::Duration lock_timeout,
                                          const std::function<bool()>& confirm) {
  const pg::Transaction transaction(connection, pg::Transaction::OfPipeline{});
  return lock_and_write(connection, tables, moves, lock_timeout, confirm);
}

} // namespace projector::projection
