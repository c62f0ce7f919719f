#pragma once

#include "base/clock.hpp"
#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::projection {

/// A projection that the host's tables have rows of.
struct KnownProjection {
  std::string projection;
  std::string checkpoint; ///< base name; empty where only hosts have reported it, and it never ran
};

/// All of them, by name. Throws pg::Error, pg::Interrupted.
std::vector<KnownProjection> known_projections(pg::Connection& connection, const CheckpointTables& tables);

struct Forgotten {
  std::string refusal;               ///< why nothing was deleted, and the way out; empty: it was
  std::vector<std::string> mirrored; ///< rows of the mirror table that belong to it; deleted where that was asked for
};

/// Deletes what the host's tables hold of a projection, with `mirrored` also its rows of the mirror table. One
/// transaction under the projection's lock, so that a batch which still runs commits before or is fenced. Refused while
/// a host runs it. Throws pg::Error, pg::Interrupted.
Forgotten forget(pg::Connection& connection, const CheckpointTables& tables, const KnownProjection& known,
                 bool mirrored, base::Duration heartbeat_limit);

} // namespace projector::projection
