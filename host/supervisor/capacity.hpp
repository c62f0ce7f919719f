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
  std::uint64_t event_store_sessions = 0;
  std::uint64_t read_model_sessions = 0;
};

/// For this number of partitions on this host, of all projections together.
Need need_of(const config::Configuration& configuration, std::uint64_t partitions);

/// Why a projection cannot start so many partitions: what they take, what is allowed, the way out. Empty where enough
/// descriptors are left for them and for the sessions that everything then opens. `running` are the partitions of all
/// projections before that, `freed` those of this one, which end first. Reads /proc; main thread.
std::string refuse_partitions(const config::Configuration& configuration, std::uint64_t partitions,
                              std::uint64_t running, std::uint64_t freed);

/// Why a projection of which `started` of `partitions` were started could not start the next one.
std::string cannot_start(std::uint64_t partitions, std::uint64_t started, const std::exception& error);

} // namespace projector::supervisor
