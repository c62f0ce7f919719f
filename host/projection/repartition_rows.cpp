#include "projection/repartition_rows.hpp"

#include "projection/checkpoint.hpp"
#include "projection/moved_rows.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

namespace projector::projection {
namespace {

std::vector<std::string> names_of(const std::string& base, std::uint32_t partitions) {
  std::vector<std::string> names;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    names.push_back(CheckpointKey{base, partition, partitions}.name());
  }
  return names;
}

struct StoredRow {
  std::string checkpoint; ///< base name of the checkpoint that it belongs to
  PartitionPosition at;
};

std::map<std::string, StoredRow> read_own(pg::Connection& connection, const CheckpointTables& tables,
                                          const PartitionNames& names, const char* lock) {
  const auto rows =
      connection.exec(fmt::format("SELECT name, checkpoint, position, highest FROM {} WHERE checkpoint = $1 OR "
                                  "name = ANY ($2::text[]) ORDER BY name{}",
                                  tables.checkpoints, lock),
                      pg::Parameters{}.text(names.base(), 25).text_array(names.all()));
  std::map<std::string, StoredRow> own;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    own.emplace(rows.bytes(row, 0),
                StoredRow{std::string(rows.bytes(row, 1)), {0, rows.int8(row, 2), rows.int8(row, 3)}});
  }
  return own;
}

std::map<std::string, std::int64_t> read_mirrored(pg::Connection& connection, const CheckpointTables& tables,
                                                  const PartitionNames& names, const char* lock) {
  const auto rows = connection.exec(fmt::format("SELECT projection_name, last_global_position FROM {} WHERE "
                                                "projection_name = ANY ($1::text[]) ORDER BY projection_name{}",
                                                tables.mirror, lock),
                                    pg::Parameters{}.text_array(names.all()));
  std::map<std::string, std::int64_t> mirrored;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    mirrored.emplace(rows.bytes(row, 0), rows.int8(row, 1));
  }
  return mirrored;
}

/// Why no new position can be computed from a partition's two rows; empty: one can.
std::string refuse_partition(const CheckpointTables& tables, const std::string& name,
                             std::optional<std::int64_t> position, std::optional<std::int64_t> mirrored) {
  if (!position || !mirrored) {
    return fmt::format(
        "the row {} is missing in {}: the partition would start from the beginning; start its workers once with the "
        "old partition count, then run this again",
        name, position ? tables.mirror : tables.checkpoints);
  }
  return {};
}

/// Why a new name cannot be used; empty: it can.
std::string refuse_name(const CheckpointTables& tables, const PartitionNames& names, const std::string& name,
                        const std::map<std::string, StoredRow>& own,
                        const std::map<std::string, std::int64_t>& mirrored) {
  if (const auto row = own.find(name); row != own.end() && row->second.checkpoint != names.base()) {
    return fmt::format("{} is a checkpoint of {} in {}; give one of the two another `checkpoint`", name,
                       row->second.checkpoint, tables.checkpoints);
  }
  if (mirrored.contains(name)) {
    return fmt::format("{0} has a row {1} that no partition of {2} wrote; if no other program needs it, run DELETE "
                       "FROM {0} WHERE projection_name = '{1}'",
                       tables.mirror, name, names.base());
  }
  return {};
}

std::vector<std::string> without(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  const std::set<std::string> kept(others.begin(), others.end());
  std::vector<std::string> rest;
  for (const auto& name : names) {
    if (!kept.contains(name)) {
      rest.push_back(name);
    }
  }
  return rest;
}

} // namespace

PartitionNames::PartitionNames(std::string base, std::uint32_t from, std::uint32_t to)
    : base_(std::move(base)), before_(names_of(base_, from)), after_(names_of(base_, to)) {}

std::vector<std::string> PartitionNames::all() const {
  std::vector<std::string> names = before_;
  const auto added = without(after_, before_);
  names.insert(names.end(), added.begin(), added.end());
  return names;
}

StoredPartitions read_rows(pg::Connection& connection, const CheckpointTables& tables, const PartitionNames& names,
                           bool lock) {
  // First the one table, then the other, as every batch does.
  const auto own = read_own(connection, tables, names, lock ? " FOR UPDATE" : "");
  const auto mirrored = read_mirrored(connection, tables, names, lock ? " FOR UPDATE" : "");
  StoredPartitions stored;
  std::vector<MovedRow> moved;
  for (const auto& name : names.before()) {
    const auto row = own.find(name);
    const auto mirror = mirrored.find(name);
    const bool ours = row != own.end() && row->second.checkpoint == names.base();
    stored.refusal = refuse_partition(tables, name, ours ? std::optional(row->second.at.position) : std::nullopt,
                                      mirror == mirrored.end() ? std::nullopt : std::optional(mirror->second));
    if (!stored.refusal.empty()) {
      return stored;
    }
    stored.partitions.push_back(row->second.at);
    stored.partitions.back().partition = static_cast<std::uint32_t>(stored.partitions.size() - 1);
    if (row->second.at.position != mirror->second) {
      moved.push_back({.name = name, .position = row->second.at.position, .mirrored = mirror->second});
    }
  }
  if (!moved.empty()) {
    stored.refusal = refuse_moved(tables, moved.front(), moved);
    return stored;
  }
  for (const auto& name : without(names.after(), names.before())) {
    stored.refusal = refuse_name(tables, names, name, own, mirrored);
    if (!stored.refusal.empty()) {
      return stored;
    }
  }
  return stored;
}

void write_rows(pg::Connection& connection, const CheckpointTables& tables, const PartitionNames& names,
                const std::vector<PartitionPosition>& after) {
  std::vector<std::int64_t> partitions, positions, highest;
  for (const auto& one : after) {
    partitions.push_back(one.partition);
    positions.push_back(one.position);
    highest.push_back(one.highest);
  }
  connection.exec(fmt::format("DELETE FROM {} WHERE checkpoint = $1 AND name <> ALL ($2::text[])", tables.checkpoints),
                  pg::Parameters{}.text(names.base(), 25).text_array(names.after()));
  connection.exec(
      fmt::format("INSERT INTO {} (name, checkpoint, partition, position, highest) SELECT name, $1, "
                  "partition, position, highest FROM unnest($2::text[], $3::bigint[], $4::bigint[], "
                  "$5::bigint[]) AS t(name, partition, position, highest) ON CONFLICT (name) DO UPDATE SET "
                  "partition = excluded.partition, position = excluded.position, highest = excluded.highest",
                  tables.checkpoints),
      pg::Parameters{}
          .text(names.base(), 25)
          .text_array(names.after())
          .int8_array(partitions)
          .int8_array(positions)
          .int8_array(highest));
  connection.exec(fmt::format("DELETE FROM {} WHERE projection_name = ANY ($1::text[])", tables.mirror),
                  pg::Parameters{}.text_array(without(names.before(), names.after())));
  connection.exec(fmt::format("INSERT INTO {} (projection_name, last_global_position) SELECT * FROM unnest($1::text[], "
                              "$2::bigint[]) ON CONFLICT (projection_name) DO UPDATE SET last_global_position = "
                              "excluded.last_global_position, updated_at = now()",
                              tables.mirror),
                  pg::Parameters{}.text_array(names.after()).int8_array(positions));
  connection.exec(
      fmt::format("UPDATE {} SET partitions = $2, epoch = epoch + 1 WHERE checkpoint = $1", tables.projections),
      pg::Parameters{}.text(names.base()).int4(static_cast<std::int32_t>(after.size())));
}

} // namespace projector::projection
