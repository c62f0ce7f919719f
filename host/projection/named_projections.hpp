#pragma once

#include "pg/connection.hpp"
#include "projection/checkpoint_tables.hpp"

#include <optional>
#include <string>
#include <vector>

namespace projector::projection {

/// A projection that has a checkpoint, as it was when that was last opened.
struct NamedProjection {
  std::string projection;
  std::string plugin;
  std::string checkpoint;
  std::string schema; ///< in which its tables are
  /// No [projection] table was there; nothing where the row does not say, since an older host wrote it.
  std::optional<bool> autostarted;
};

struct NamedProjections {
  std::vector<NamedProjection> all; ///< those whose checkpoints are older first
  std::string default_schema;       ///< that of a projection without a `schema`
};

/// All projections with a checkpoint in the read model's database. Throws pg::Error, pg::Interrupted.
NamedProjections read_named_projections(pg::Connection& connection, const CheckpointTables& tables);

} // namespace projector::projection
