#pragma once

#include "control/status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace projector::control {

/// A projection that the configuration or a plugin directory asks for.
struct ConfiguredProjection {
  std::string name;
  std::string checkpoint; ///< base name
  std::uint32_t partitions = 1;
  std::string plugin;
  bool enabled = true;
  std::string refusal; ///< why its file is refused; empty: it is not
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

/// What a host last said about a partition, or about a whole projection that it has no worker for.
struct ReportedPartition {
  std::string name; ///< of the checkpoint; of the base checkpoint or the projection where it is about all partitions
  std::string projection;
  std::uint32_t partition = 0;
  std::uint32_t partitions = 1;
  std::string state;
  std::string reason;
  std::string plugin;
  RunningWorker worker;
};

/// Puts the three together: one row a partition, without lag. The stored partition count wins over the configured one.
/// Of several hosts' reports the one counts that shows life, then the one that is not a standby, then the latest.
std::vector<PartitionStatus> merge_status(const std::vector<ConfiguredProjection>& configured,
                                          const std::vector<StoredPartition>& stored,
                                          const std::vector<ReportedPartition>& reported);

} // namespace projector::control
