#pragma once

#include "config/configuration.hpp"

#include <string>
#include <vector>

namespace projector::config {

/// What is another value in one configuration than in another. Names only: a DSN holds a password.
struct Difference {
  std::vector<std::string> restart; ///< keys of the host that take effect at the next start only: "feed.memory"
  std::vector<std::string> live;    ///< keys of the host that can take effect at once: "log.level"
  bool defaults = false;            ///< what autostarted projections get
  std::vector<std::string> added;   ///< projections, as the next three sorted by name
  std::vector<std::string> removed;
  std::vector<std::string> changed;
  [[nodiscard]] bool empty() const noexcept {
    return restart.empty() && live.empty() && !defaults && added.empty() && removed.empty() && changed.empty();
  }
};

/// Where a value stands and how a file writes it ("1s", "1000ms") makes no difference.
Difference difference(const Configuration& running, const Configuration& wanted);

} // namespace projector::config
