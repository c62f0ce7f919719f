#pragma once

#include "plugin/facts.hpp"
#include "runner/descriptor.hpp"

#include <projector/plugin.h>

#include <filesystem>
#include <optional>
#include <string>

namespace projector::runner {

/// The plugin that a runner loads.
struct PluginFile {
  std::filesystem::path copy;   ///< is loaded
  std::filesystem::path source; ///< names it in messages
  std::string name;             ///< the one that the descriptor has to have
};

/// A plugin that is loaded into this process, for the rest of its life: a thread that the plugin has left behind may
/// still run in it.
class Module {
public:
  /// Accepted ones.
  [[nodiscard]] const plugin::Facts& facts() const noexcept { return descriptor_.facts; }
  /// A copy, fields that the plugin does not have zeroed. Pointers in it point into the loaded library.
  [[nodiscard]] const projector_plugin& descriptor() const noexcept { return descriptor_.plugin; }

  struct LoadResult;
  /// Loads the copy with all symbols bound and its names kept to itself, reads the descriptor and judges its facts.
  /// Runs no plugin code but its static initialisers.
  static LoadResult load(const PluginFile& file);

private:
  explicit Module(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
  Descriptor descriptor_;
};

struct Module::LoadResult {
  std::optional<Module> module;
  std::optional<plugin::Refusal> refusal; ///< its reason begins with the source's path
};

} // namespace projector::runner
