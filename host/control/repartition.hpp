#pragma once

#include "config/load.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace projector::control {

struct RepartitionOptions {
  std::string projection;
  std::uint32_t to = 1; ///< the new partition count
  bool dry_run = false; ///< only show what would be done
};

struct RepartitionAnswer {
  bool done = false; ///< with dry_run: it could be done now
  std::string text;  ///< for people; ends with a line feed
};

/// Changes the partition count of a projection whose workers have ended. If partitions must be level for that, it runs
/// the projection's plugin in this process for those that are behind, and announces that with `report_progress`. From
/// then on it handles SIGTERM and SIGINT, which end it cleanly. `loaded.configuration` is present. Call it from a
/// program with one thread. Throws pg::Error, eventlog::StoreRefused, std::system_error.
RepartitionAnswer repartition(const config::Loaded& loaded, const RepartitionOptions& options,
                              const std::function<void(const std::string&)>& report_progress);

} // namespace projector::control
