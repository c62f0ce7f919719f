#pragma once

#include "config/configuration.hpp"
#include "projection/repartition.hpp"

#include <cstdint>
#include <string>

namespace projector::control {

/// What a repartition would do; each text of this file ends with a line feed.
std::string dry_run_text(const config::Projection& projection, const projection::Repartition& seen);

/// Which partitions are brought forward now, and how far.
std::string behind_text(const config::Projection& projection, const projection::Repartition& seen);

/// What was done and what to do next. `seen` is how it was before, `handled` counts the events in between.
std::string done_text(const config::Projection& projection, const projection::Repartition& seen,
                      const projection::Repartition& done, std::uint64_t handled);

/// Where the partition count is to be set, if it is not yet, and that the workers can start then.
std::string next_step_text(const config::Projection& projection, std::size_t partitions);

} // namespace projector::control
