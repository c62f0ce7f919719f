#pragma once

#include "pg/connection.hpp"
#include "projection/adoption_plan.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace projector::projection {

/// What the library pupsourcing/core keeps about one consumer in its table consumer_segments. Its segments are
/// partitions: both take FNV-1a of the aggregate's id modulo the count.
struct CoreSegments {
  std::string table; ///< quoted, with its schema
  struct Segment {
    std::uint32_t id = 0;
    std::uint32_t total = 1; ///< the count that it was made for
    std::int64_t checkpoint = 0;
    std::string owner; ///< the worker that runs it; empty: none does
  };
  std::vector<Segment> segments; ///< by id
  [[nodiscard]] std::int64_t highest() const;
};

/// Nothing where no table of that shape is found by its name and may be read, or it has no row of this consumer. Throws
/// pg::Error, pg::Interrupted.
std::optional<CoreSegments> read_core_segments(pg::Connection& connection, const std::string& consumer);

/// The segments as rows of a projection with the checkpoint `base` and that many partitions; those of another count
/// have names of their own.
std::vector<ForeignRow> foreign_rows(const CoreSegments& segments, const std::string& base, std::uint32_t partitions);

} // namespace projector::projection
