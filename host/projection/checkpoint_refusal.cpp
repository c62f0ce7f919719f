#include "projection/checkpoint_refusal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace projector::projection {
namespace {

constexpr std::string_view kRebuildCure = "to rebuild it from the first event run \"projectorctl rebuild ";

} // namespace

std::string refuse_siblings(const CheckpointTables& tables, const CheckpointRequest& request,
                            const MirroredPositions& mirror) {
  const CheckpointKey& key = request.key;
  std::set<std::string> wanted;
  for (std::uint32_t partition = 0; partition < key.partitions; ++partition) {
    wanted.insert(CheckpointKey{key.base, partition, key.partitions}.name());
  }
  std::string found;
  bool same = mirror.size() == wanted.size();
  for (const auto& [name, position] : mirror) {
    found += (found.empty() ? "" : ", ") + name;
    same = same && wanted.contains(name);
  }
  if (same) {
    return {};
  }
  return fmt::format(
      "checkpoints of another partition count exist in {0}: found {1} ({2} in all), expected {3} for partitions = {4}; "
      "if the old workers ran with {4}, run \"projectorctl adopt {5} --partitions {4}\" (with --dry-run it only shows "
      "what it would keep, insert and delete), else set partitions to the count that they ran with. That is not always "
      "the number of rows: a worker that has never run has none",
      tables.mirror, found, mirror.size(),
      key.partitions == 1 ? key.base : fmt::format("{0}_p0 to {0}_p{1}", key.base, key.partitions - 1), key.partitions,
      request.projection);
}

std::string refuse_core(const CheckpointTables& tables, const CheckpointRequest& request,
                        const std::optional<CoreSegments>& core, const MirroredPositions& mirror) {
  std::int64_t highest = 0;
  for (const auto& [name, position] : mirror) {
    highest = std::max(highest, position);
  }
  if (!core || core->highest() <= highest) {
    return {};
  }
  return fmt::format("{} of pupsourcing/core has rows of consumer {}, up to position {}, and this host has no "
                     "checkpoint of it{}: to go "
                     "on after them end that library's workers and run \"projectorctl adopt {} --from core\"; to "
                     "handle all events here "
                     "as well give the projection another `checkpoint`",
                     core->table, request.key.base, core->highest(),
                     mirror.empty() ? "" : fmt::format(" ({} says {} at most)", tables.mirror, highest),
                     request.projection);
}

std::string refuse_projection(const ProjectionRow& stored, const CheckpointRequest& request) {
  if (stored.partitions != request.key.partitions) {
    return fmt::format("checkpoint {} was written with {} partitions, the configuration says {}; set partitions = {}, "
                       "or stop its workers and run \"projectorctl repartition {} --to {}\"",
                       request.key.base, stored.partitions, request.key.partitions, stored.partitions,
                       request.projection, request.key.partitions);
  }
  const bool will_reset = request.rebuild.requested && request.rebuild.resettable && stored.rebuild_requested > 0;
  if (auto refusal = refuse_store(stored, request.key.base, request.store); !refusal.empty() && !will_reset) {
    return request.rebuild.resettable ? fmt::format("{}; or, to build it anew from this store: \"projectorctl rebuild "
                                                    "{}\"",
                                                    refusal, request.projection)
                                      : refusal;
  }
  if (stored.read_model_version == request.read_model_version) {
    return {};
  }
  const std::string found =
      fmt::format("the read model of checkpoint {} is of version {}, plugin {} makes version {}", request.key.base,
                  stored.read_model_version, request.plugin, request.read_model_version);
  if (!request.rebuild.resettable) {
    return fmt::format("{} and has no reset to empty it with; put the plugin of version {} back, or give this one "
                       "another `checkpoint` and tables of its own",
                       found, stored.read_model_version);
  }
  // A request is served once: a worker that was started for it may find that it has been served already.
  const bool requested = request.rebuild.requested && stored.rebuild_requested > 0;
  if (request.read_model_version < stored.read_model_version && !requested) {
    return fmt::format(
        "{0}, which is older: this worker takes no part until the plugin of version {1} is in place here. "
        "To go back to version {2}, put it in place on every host and run \"projectorctl rebuild {3}\"; "
        "rebuild = \"automatic\" goes up only",
        found, stored.read_model_version, request.read_model_version, request.projection);
  }
  if (!request.rebuild.automatic && !requested) {
    return fmt::format("{}; {}, else put the plugin of version {} back", found, rebuild_cure(request.projection),
                       stored.read_model_version);
  }
  return {};
}

std::string refuse_store(const ProjectionRow& stored, const std::string& checkpoint, const std::string& store) {
  if (stored.store == store) {
    return {};
  }
  return fmt::format("checkpoint {} belongs to another event store: found {}, this one is {} (system identifier/"
                     "database/table); point event_store.dsn at the old store, choose another `checkpoint`, or, if "
                     "this is a copy with the same positions, run: UPDATE projector_projections SET store = '{}' "
                     "WHERE checkpoint = '{}'",
                     checkpoint, stored.store, store, store, checkpoint);
}

std::string refuse_position(const CheckpointTables& tables, const CheckpointRequest& request, std::int64_t position,
                            bool fresh) {
  if (fresh) {
    return fmt::format("checkpoint {} would start at {}, above the last position {} of the event store; set start_from "
                       "to \"beginning\", \"end\" or a position of this store",
                       request.key.name(), position, request.store_last);
  }
  return fmt::format(
      "checkpoint {} stands at {}, above the last position {} of the event store: it belongs to another or "
      "an older store; point event_store.dsn at the right one, or delete the row from {} to start anew",
      request.key.name(), position, request.store_last, tables.mirror);
}

std::string rebuild_cure(const std::string& projection) {
  return fmt::format("{}{}\" or set rebuild = \"automatic\"", kRebuildCure, projection);
}

bool waits_for_rebuild(std::string_view reason) {
  return reason.find(kRebuildCure) != std::string_view::npos;
}

} // namespace projector::projection
