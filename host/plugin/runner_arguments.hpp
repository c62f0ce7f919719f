#pragma once

#include "plugin/runner_instance.hpp"
#include "plugin/start.hpp"

namespace projector::plugin {

/// How the program of `host` is started with these options, without callbacks. `channel` is the descriptor of the
/// channel's memory.
Start runner_start(const RunnerHost& host, const RunnerOptions& options, int channel);

} // namespace projector::plugin
