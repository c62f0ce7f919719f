#include "control/repartition_text.hpp"

#include "control/text_table.hpp"
#include "projection/checkpoint.hpp"

#include <fmt/format.h>

#include <map>
#include <vector>

namespace projector::control {
namespace {

using Partitions = std::vector<projection::PartitionPosition>;

std::string name_of(const config::Projection& projection, std::uint32_t partition, std::size_t partitions) {
  return projection::CheckpointKey{projection.checkpoint, partition, static_cast<std::uint32_t>(partitions)}.name();
}

std::string change_text(const config::Projection& projection, const Partitions& before, const Partitions& after) {
  std::vector<std::vector<std::string>> rows{{"CHECKPOINT", "BEFORE", "AFTER"}};
  std::map<std::string, std::size_t> places;
  for (const auto& one : before) {
    places.emplace(name_of(projection, one.partition, before.size()), rows.size());
    rows.push_back({name_of(projection, one.partition, before.size()), std::to_string(one.position), "-"});
  }
  for (const auto& one : after) {
    const auto name = name_of(projection, one.partition, after.size());
    if (const auto place = places.find(name); place != places.end()) {
      rows[place->second].back() = std::to_string(one.position);
    } else {
      rows.push_back({name, "-", std::to_string(one.position)});
    }
  }
  return text_table(rows);
}

std::string count(std::uint64_t n, const std::string& thing) {
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

} // namespace

std::string behind_text(const config::Projection& projection, const projection::Repartition& seen) {
  std::string text;
  for (const auto& one : seen.plan.behind) {
    text += fmt::format("{} is brought from {} to {}\n", name_of(projection, one.partition, seen.before.size()),
                        one.position, one.up_to);
  }
  return text;
}

std::string dry_run_text(const config::Projection& projection, const projection::Repartition& seen) {
  return behind_text(projection, seen) + change_text(projection, seen.before, seen.plan.after) +
         fmt::format("Nothing was changed: this was a dry run of {} from {} to {}.\n", projection.name,
                     count(seen.before.size(), "partition"), seen.plan.after.size());
}

std::string done_text(const config::Projection& projection, const projection::Repartition& seen,
                      const projection::Repartition& done, std::uint64_t handled) {
  return change_text(projection, seen.before, done.plan.after) +
         fmt::format("{} has {} now, {} before; {} handled to bring them level.\n", projection.name,
                     count(done.plan.after.size(), "partition"), seen.before.size(),
                     handled == 1 ? "1 event was" : fmt::format("{} events were", handled)) +
         next_step_text(projection, done.plan.after.size());
}

std::string next_step_text(const config::Projection& projection, std::size_t partitions) {
  const auto where = config::to_string(projection.where);
  if (projection.partitions == partitions) {
    return fmt::format("The configuration has partitions = {} for it already{}: start its workers.\n", partitions,
                       where.empty() ? "" : fmt::format(" ({})", where));
  }
  return fmt::format("Now set partitions = {} in [projection.{}]{}, where it is {} now, then start its workers.\n",
                     partitions, projection.name, where.empty() ? "" : fmt::format(" ({})", where),
                     projection.partitions);
}

} // namespace projector::control
