#pragma once

#include "channel/log_sender.hpp"
#include "channel/memory.hpp"
#include "runner/module.hpp"

#include <projector/plugin.h>

#include <functional>

namespace projector::runner {

/// Serves the host's calls on one plugin instance, until the host destroys it or closes the channel. The plugin is
/// loaded by the first call, and `loaded` is called with its descriptor then. Memory and log are borrowed. Throws
/// nothing but what a cancelled thread unwinds with; the calling thread is the plugin's worker.
void serve(channel::Memory& memory, channel::LogSender& log, const PluginFile& file,
           const std::function<void(const projector_plugin& descriptor)>& loaded = {});

} // namespace projector::runner
