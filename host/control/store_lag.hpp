#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "config/configuration.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projector::control {

/// The event store's last position, and the age of events above given positions.
struct StoreLag {
  std::optional<std::int64_t>
      last_position; ///< of the highest committed event, 0 if there is none; nothing with trouble
  std::map<std::int64_t, base::Duration>
      behind;          ///< by position: age of the oldest event above it, zero if there is none
  std::string trouble; ///< why the store cannot be read
};

/// One query with two index look-ups per position, however many events are above it. Throws pg::Interrupted.
StoreLag read_store_lag(const config::EventStore& store, const std::vector<std::int64_t>& positions,
                        const base::Stop& stop);

} // namespace projector::control
