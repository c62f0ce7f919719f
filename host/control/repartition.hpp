#pragma once

#include "config/load.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace projector::control {

struct RepartitionOptions {
  std::string projection;
  std::uint32_t to = 1; ///< the new partition count
  bool dry_run = false; ///< only look and tell
};

struct RepartitionAnswer {
  bool done = false; ///< with dry_run: it could be done as things are
  std::string text;  ///< for people; ends with a line feed
};

/// Gives a projection whose workers have ended another partition count. Where partitions must be level for that, it
/// runs the projection's plugin in this process for those that are behind, and says so with `tell` before. SIGTERM and
/// SIGINT are taken from then on, and end it in order. `loaded.configuration` is present. Call it from a program with
/// one thread. Throws pg::Error, eventlog::StoreRefused, std::system_error.
RepartitionAnswer repartition(const config::Loaded& loaded, const RepartitionOptions& options,
                              const std::function<void(const std::string&)>& tell);

} // namespace projector::control
