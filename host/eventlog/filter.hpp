#pragma once

#include "eventlog/segment.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::eventlog {

/// Selects the events of a projection's partition. An empty list selects all. Immutable; any thread.
struct Filter {
  std::vector<std::string> event_types;
  std::vector<std::string> aggregate_types;
  std::vector<std::string> bounded_contexts;
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;

  [[nodiscard]] bool matches(const EventKind& kind) const;
  [[nodiscard]] bool matches_partition(std::uint32_t aggregate_hash) const noexcept {
    return partitions == 1 || aggregate_hash % partitions == partition;
  }
  [[nodiscard]] bool everything() const noexcept {
    return event_types.empty() && aggregate_types.empty() && bounded_contexts.empty() && partitions == 1;
  }
};

} // namespace projector::eventlog
