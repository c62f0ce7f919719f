#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projector::projection {

/// A position that another program keeps for this projection. Each has the name that our checkpoint of that partition
/// would have; one that belongs to no partition of ours has a name of its own.
struct ForeignRow {
  std::string name;
  std::int64_t position = 0;
  std::optional<std::int64_t> moved_at; ///< microseconds since 1970; nothing: its table does not tell
};

/// What this host's own tables hold about the projection.
struct OwnRows {
  std::uint32_t partitions = 1;
  std::map<std::string, std::int64_t> positions; ///< by name
};

struct AdoptionRequest {
  std::string projection;
  std::string checkpoint;       ///< base name
  std::uint32_t partitions = 1; ///< the count that the other program's workers ran with
  bool lowest = false;          ///< where it is not sure who handled what: start at the lowest position
  std::int64_t missing_at = 0;  ///< where a partition without a row starts
  std::string table;            ///< where the rows are, for messages
};

/// One partition as it will be.
struct AdoptedPartition {
  std::string name;
  std::uint32_t partition = 0;
  std::optional<std::int64_t> found;         ///< what the other program's row says; nothing: it has none
  std::optional<std::int64_t> moved_at = {}; ///< of that row
  std::optional<std::int64_t> own;           ///< where this host left it
  std::int64_t position = 0;                 ///< where it starts
  std::int64_t handled = 0;                  ///< somebody may have handled its events up to here
};

struct AdoptionPlan {
  std::string refusal; ///< why it cannot be told what to do: what was found, where, the way out; empty: it can
  std::vector<AdoptedPartition> partitions;
  std::vector<ForeignRow> surplus; ///< rows of no partition of this count
};

/// What becomes of the rows that were found. It loses no event: where the rows do not tell how far their events were
/// handled it refuses, or starts at the lowest position with `lowest`. Pure.
AdoptionPlan plan_adoption(const AdoptionRequest& request, const std::vector<ForeignRow>& found,
                           const std::optional<OwnRows>& own);

} // namespace projector::projection
