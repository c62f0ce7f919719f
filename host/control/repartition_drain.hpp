#pragma once

#include "base/stop.hpp"
#include "config/configuration.hpp"
#include "projection/repartition_plan.hpp"
#include "supervisor/launch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::control {

struct Drain {
  std::uint64_t handled = 0; ///< events, by all partitions together
  bool interrupted = false;  ///< the stop was requested before all had reached their limits
  std::string failure;       ///< which partition cannot reach its limit, and why; empty: none failed
};

/// The name of this process in projector_workers.
std::string drain_host();

/// Runs partitions as a host would, each up to its own limit and no further; `status` shows them as such a host's. The
/// first failure ends all. `generation` has an assignment for each of `behind`, in the same order. Committed batches
/// stay committed however it ends. Throws pg::Error, eventlog::StoreRefused.
Drain drain(const config::Configuration& configuration, const supervisor::Generation& generation,
            const std::vector<projection::PartitionBehind>& behind, const base::Stop& stop);

} // namespace projector::control
