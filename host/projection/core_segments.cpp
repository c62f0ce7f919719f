#include "projection/core_segments.hpp"

#include "projection/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::projection {

std::int64_t CoreSegments::highest() const {
  std::int64_t highest = 0;
  for (const auto& segment : segments) {
    highest = std::max(highest, segment.checkpoint);
  }
  return highest;
}

std::optional<CoreSegments> read_core_segments(pg::Connection& connection, const std::string& consumer) {
  if (connection.exec("SELECT to_regclass('consumer_segments')").is_null(0, 0)) {
    return std::nullopt;
  }
  // Other applications may have a table of this name for something else.
  const auto table = connection.exec(
      "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid "
      "= c.relnamespace WHERE c.oid = to_regclass('consumer_segments') AND has_table_privilege(c.oid, 'SELECT') AND "
      "(SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname = "
      "ANY ('{consumer_name,segment_id,total_segments,owner_id,checkpoint}')) = 5");
  if (table.rows() == 0) {
    return std::nullopt;
  }
  CoreSegments found;
  found.table = table.bytes(0, 0);
  const auto rows = connection.exec(fmt::format("SELECT segment_id, total_segments, checkpoint, owner_id FROM {} WHERE "
                                                "consumer_name = $1 ORDER BY segment_id",
                                                found.table),
                                    pg::Parameters{}.text(consumer));
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    found.segments.push_back({static_cast<std::uint32_t>(rows.int8(row, 0)),
                              static_cast<std::uint32_t>(rows.int8(row, 1)), rows.int8(row, 2),
                              std::string(rows.bytes(row, 3))});
  }
  return found.segments.empty() ? std::nullopt : std::optional(std::move(found));
}

std::vector<ForeignRow> foreign_rows(const CoreSegments& segments, const std::string& base, std::uint32_t partitions) {
  std::vector<ForeignRow> rows;
  for (const auto& segment : segments.segments) {
    const bool ours = segment.total == partitions && segment.id < partitions;
    rows.push_back({.name = ours ? CheckpointKey{base, segment.id, partitions}.name()
                                 : fmt::format("segment {} of {}", segment.id, segment.total),
                    .position = segment.checkpoint,
                    .moved_at = {}});
  }
  return rows;
}

} // namespace projector::projection
