#pragma once

#include "base/clock.hpp"
#include "pg/connection.hpp"
#include "projection/adoption_plan.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/core_segments.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace projector::projection {

/// What the host's own rows say about a projection that is taken over.
struct AdoptedProjection {
  std::string plugin;
  std::uint32_t read_model_version = 0;
  std::string store;           ///< identity of the event store
  std::int64_t store_last = 0; ///< the last value of the store's sequence
};

/// Looks at what another program keeps for a projection and plans what becomes of it: its rows in the mirror table, or
/// `core` in their place. A table that is not there has an empty name in `tables`. Locks and changes nothing. Throws
/// pg::Error, pg::Interrupted.
AdoptionPlan look_at_adoption(pg::Connection& connection, const CheckpointTables& tables,
                              const AdoptionRequest& request, const AdoptedProjection& projection,
                              const std::optional<CoreSegments>& core);

/// Writes the positions of `plan` to the host's own rows and the mirrored ones, and deletes surplus rows of the mirror
/// table. One transaction takes the projection's lock and all its rows, and raises the epoch. Returns the reason where
/// that cannot be done or the rows are no longer those of the plan; nothing is changed then. Throws pg::Error,
/// pg::Interrupted.
std::string adopt(pg::Connection& connection, const CheckpointTables& tables, const AdoptionRequest& request,
                  const AdoptedProjection& projection, const std::optional<CoreSegments>& core,
                  const AdoptionPlan& plan, base::Duration lock_timeout = std::chrono::seconds(5));

} // namespace projector::projection
