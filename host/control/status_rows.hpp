#pragma once

#include "control/status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace projector::control {

/// A projection of the configuration or of a plugin directory.
struct ConfiguredProjection {
  std::string name;
  std::string checkpoint; ///< base name
  std::uint32_t partitions = 1;
  std::string plugin;
  bool enabled = true;
  std::string refusal; ///< why its file is refused; empty if it is not
};

/// A partition of a projection that has run before.
struct StoredPartition {
  std::string projection;
  std::string checkpoint; ///< base name
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;
  std::string plugin;
  std::optional<std::int64_t> position;
};

/// A host's last report about a partition, or about a whole projection for which it has no worker.
struct ReportedPartition {
  std::string name; ///< of the checkpoint; for all partitions, of the base checkpoint or the projection
  std::string projection;
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;
  std::string state;
  std::string reason;
  std::string plugin;
  RunningWorker worker;
};

/// Merges the three into one row per partition, without lag. The stored partition count wins over the configured one.
/// Of several hosts' reports it uses one with a recent heartbeat, else one that is not a standby, else the latest.
std::vector<PartitionStatus> merge_status(const std::vector<ConfiguredProjection>& configured,
                                          const std::vector<StoredPartition>& stored,
                                          const std::vector<ReportedPartition>& reported);

} // namespace projector::control
