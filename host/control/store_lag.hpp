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

/// How far the event store is from some positions.
struct StoreLag {
  std::optional<std::int64_t> last_position; ///< of the highest committed event, 0 without one; nothing with trouble
  std::map<std::int64_t, base::Duration> behind; ///< by position: age of the oldest event above it, zero without one
  std::string trouble;                           ///< why the store cannot be read
};

/// One statement with two index look-ups a position, however many events lie behind it. Throws pg::Interrupted.
StoreLag read_store_lag(const config::EventStore& store, const std::vector<std::int64_t>& positions,
                        const base::Stop& stop);

} // namespace projector::control
