#pragma once

#include "channel/log_sender.hpp"
#include "channel/memory.hpp"

#include <projector/plugin.h>

#include <filesystem>
#include <functional>
#include <string>

namespace projector::runner {

/// The plugin that a runner loads.
struct PluginFile {
  std::filesystem::path copy;   ///< is loaded
  std::filesystem::path source; ///< names it in messages
  std::string name;             ///< the one that the descriptor has to have
};

/// Serves the host's calls on one plugin instance, until the host destroys it or closes the channel. The plugin is
/// loaded by the first call, and `loaded` is called with its descriptor then. Memory and log are borrowed. Throws
/// nothing but what a cancelled thread unwinds with; the calling thread is the plugin's worker.
void serve(channel::Memory& memory, channel::LogSender& log, const PluginFile& file,
           const std::function<void(const projector_plugin& descriptor)>& loaded = {});

} // namespace projector::runner
