#pragma once

#include "config/configuration.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

namespace projector::supervisor {

/// The most that a host uses of what the system and the servers limit.
struct Need {
  std::uint64_t descriptors = 0;
  std::uint64_t threads = 0;
  std::uint64_t processes = 0; ///< of plugins
  std::uint64_t event_store_sessions = 0;
  std::uint64_t read_model_sessions = 0;
};

/// The need of `partitions`, the number of partitions that this host runs, of all projections together.
Need need_of(const config::Configuration& configuration, std::uint64_t partitions);

/// Why a projection cannot start `partitions`: what they need, what is allowed, the way out. Empty if enough
/// descriptors are left for them and for all sessions of the host. `running` is the number of running partitions of all
/// projections; `freed` of them belong to this projection and end first. Reads /proc; main thread.
std::string refuse_partitions(const config::Configuration& configuration, std::uint64_t partitions,
                              std::uint64_t running, std::uint64_t freed);

/// Why a projection of which `started` of `partitions` were started could not start the next one.
std::string cannot_start(std::uint64_t partitions, std::uint64_t started, const std::exception& error);

} // namespace projector::supervisor
