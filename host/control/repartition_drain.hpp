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
  bool interrupted = false;  ///< the stop was requested before all were where they should be
  std::string failure;       ///< why a partition cannot get there, and which; empty: none failed
};

/// What is written into projector_workers as the host: this process.
std::string drain_host();

/// Brings partitions forward, each up to its own limit and no further, as a host would, and shows them as such a host's
/// in `status`. The first failure ends all. `generation` has an assignment for each of `behind`, in the same order.
/// What was handled stays handled however it ends. Throws pg::Error, eventlog::StoreRefused.
Drain drain(const config::Configuration& configuration, const supervisor::Generation& generation,
            const std::vector<projection::PartitionBehind>& behind, const base::Stop& stop);

} // namespace projector::control
