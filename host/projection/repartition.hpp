#pragma once

#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/repartition_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::projection {

struct RepartitionRequest {
  std::string projection;                                   ///< for messages
  std::string checkpoint;                                   ///< the projection's `checkpoint`
  std::uint32_t to = 1;                                     ///< the new partition count
  std::string own_host;                                     ///< whose heartbeats do not count; may be empty
  base::Duration heartbeat_limit = std::chrono::seconds(5); ///< an older heartbeat is no sign of life
  base::Duration lock_timeout = std::chrono::seconds(5);    ///< for each row that somebody else has locked
};

struct Repartition {
  std::string refusal; ///< why the checkpoints cannot have that count now: what was found, where, the way out
  bool done = false;   ///< the checkpoints have the new count
  std::int64_t read_model_version = 0;   ///< that is stored
  std::vector<PartitionPosition> before; ///< empty where it was refused
  RepartitionPlan plan;                  ///< where somebody is behind, nothing was changed
};

/// What `repartition` would do, as of now. Locks and changes nothing. Throws pg::Error, pg::Interrupted.
Repartition look_at_repartition(pg::Connection& connection, const CheckpointTables& tables,
                                const RepartitionRequest& request);

/// Gives the checkpoints of a projection another partition count, durably and in one transaction, where nobody is
/// behind. It locks out every other open, reset and repartition of the projection and all its running batches, and
/// raises the epoch, so that a worker of the old count can commit nothing any more. Throws pg::Error, pg::Interrupted.
Repartition repartition(pg::Connection& connection, const CheckpointTables& tables, const RepartitionRequest& request);

} // namespace projector::projection
