#pragma once

#include "base/clock.hpp"
#include "supervisor/configuration_source.hpp"
#include "supervisor/reconcile.hpp"

#include <filesystem>
#include <optional>

namespace projector::supervisor {

struct HostOptions {
  Selection selection;
  bool until_caught_up = false;
  std::optional<base::Duration> timeout; ///< with until_caught_up
};

/// Runs the host until a signal ends it or, with until_caught_up, everything has caught up. The signals SIGTERM, SIGINT
/// and SIGHUP are blocked in every thread and taken here; call it before the process has other threads. Logs. Returns
/// the process's exit code: 0 done, 1 run-time failure.
int run_host(const HostOptions& options, ConfigurationSource source);

} // namespace projector::supervisor
