#pragma once

#include "config/configuration.hpp"
#include "projection/repartition.hpp"

#include <cstdint>
#include <string>

namespace projector::control {

/// What a repartition would do. Each text of this file ends with a line feed.
std::string dry_run_text(const config::Projection& projection, const projection::Repartition& seen);

/// Which partitions are being brought forward, and how far.
std::string behind_text(const config::Projection& projection, const projection::Repartition& seen);

/// What was done and what to do next. `seen` is the state before, `handled` the number of events handled since.
std::string done_text(const config::Projection& projection, const projection::Repartition& seen,
                      const projection::Repartition& done, std::uint64_t handled);

/// Where to set the partition count, if it is not set yet, and that the workers can start then.
std::string next_step_text(const config::Projection& projection, std::size_t partitions);

} // namespace projector::control
