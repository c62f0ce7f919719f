#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::control {

/// The partition, counted from 0, that all events of an aggregate go to.
std::uint32_t partition_of(std::string_view aggregate_id, std::uint32_t partitions);

/// Why no aggregate can have this id, or nothing.
std::string refuse_aggregate_id(const std::string& aggregate_id);

/// For people, a line for each id: its partition and, where there are several, the end of its checkpoint's name; with
/// `total_workers` also which of so many workers runs it.
std::string partition_text(const std::vector<std::string>& aggregate_ids, std::uint32_t partitions,
                           std::optional<std::uint32_t> total_workers);

} // namespace projector::control
