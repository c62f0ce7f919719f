#pragma once

#include "projection/checkpoint.hpp"
#include "projection/core_segments.hpp"
#include "projection/stored_rows.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace projector::projection {

/// Positions of the mirror table's rows, by name.
using MirroredPositions = std::map<std::string, std::int64_t>;

/// Why rows that only some other program has written cannot be continued with this partition count; empty: they can.
std::string refuse_siblings(const CheckpointTables& tables, const CheckpointRequest& request,
                            const MirroredPositions& mirror);

/// Why a start would handle again what pupsourcing/core has handled: it stands above all rows that there are; empty: it
/// does not.
std::string refuse_core(const CheckpointTables& tables, const CheckpointRequest& request,
                        const std::optional<CoreSegments>& core, const MirroredPositions& mirror);

/// Why the stored projection is not the one that is asked for; empty: it is.
std::string refuse_projection(const ProjectionRow& stored, const CheckpointRequest& request);

/// Why the stored projection's events are not those of the event store `store`; empty: they are.
std::string refuse_store(const ProjectionRow& stored, const std::string& checkpoint, const std::string& store);

/// Why no event of this store can follow `position`. `fresh`: the position comes from the configuration.
std::string refuse_position(const CheckpointTables& tables, const CheckpointRequest& request, std::int64_t position,
                            bool fresh);

/// What to do about a read model of another version than the plugin's, as part of a reason.
std::string rebuild_cure(const std::string& projection);
/// Whether this is the reason of a projection that only waits for an operator to do that.
bool waits_for_rebuild(std::string_view reason);

} // namespace projector::projection
