#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::control {

/// The partition, counted from 0, that all events of an aggregate go to.
std::uint32_t partition_of(std::string_view aggregate_id, std::uint32_t partitions);

/// Why no aggregate can have this id; empty if one can.
std::string refuse_aggregate_id(const std::string& aggregate_id);

/// For people, one line per id: its partition and, if there are several, the suffix of the checkpoint's name; with
/// `total_workers` also the worker that runs it.
std::string partition_text(const std::vector<std::string>& aggregate_ids, std::uint32_t partitions,
                           std::optional<std::uint32_t> total_workers);

} // namespace projector::control
