#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace projector::bench {

/// How the host is run for one measurement.
struct Run {
  std::string dsn;
  std::string plugin;
  std::uint32_t projections = 1;
  std::uint32_t batch_size = 1000;
};

/// Seconds from the moment a projection of `run` first runs until the host has seen every checkpoint at the end, as the
/// host's log shows. All checkpoints are deleted before. Throws std::runtime_error if the host fails.
double host_seconds(const Run& run);

/// The middle one of an odd number of values.
double median(std::vector<double> values);

} // namespace projector::bench
