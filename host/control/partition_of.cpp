#include "control/partition_of.hpp"

#include "base/clean_text.hpp"
#include "base/fnv1a.hpp"
#include "control/text_table.hpp"
#include "projection/checkpoint.hpp"

#include <fmt/format.h>

namespace projector::control {
namespace {

constexpr std::size_t kLongestShown = 200;

std::size_t replacements(std::string_view text) {
  std::size_t n = 0;
  for (auto at = text.find("\xEF\xBF\xBD"); at != std::string_view::npos; at = text.find("\xEF\xBF\xBD", at + 3)) {
    ++n;
  }
  return n;
}

} // namespace

std::uint32_t partition_of(std::string_view aggregate_id, std::uint32_t partitions) {
  return base::fnv1a32(aggregate_id) % partitions;
}

std::string refuse_aggregate_id(const std::string& aggregate_id) {
  const auto clean = base::clean_text(aggregate_id, aggregate_id.size() * 3 + 3);
  if (replacements(clean) == replacements(aggregate_id)) {
    return {};
  }
  return fmt::format("{} is not UTF-8, which every aggregate id is hashed as: check the terminal's locale",
                     base::clean_text(aggregate_id, kLongestShown));
}

std::string partition_text(const std::vector<std::string>& aggregate_ids, std::uint32_t partitions,
                           std::optional<std::uint32_t> total_workers) {
  std::vector<std::vector<std::string>> rows{{"AGGREGATE", "PARTITION", "CHECKPOINT"}};
  if (total_workers) {
    rows.front().emplace_back("WORKER");
  }
  for (const auto& aggregate_id : aggregate_ids) {
    const auto partition = partition_of(aggregate_id, partitions);
    rows.push_back({base::clean_text(aggregate_id, kLongestShown), fmt::format("{}/{}", partition, partitions),
                    projection::CheckpointKey{"NAME", partition, partitions}.name()});
    if (total_workers) {
      rows.back().push_back(fmt::format("{}/{}", partition % *total_workers, *total_workers));
    }
  }
  return text_table(rows);
}

} // namespace projector::control
