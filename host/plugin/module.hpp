#pragma once

#include "plugin/descriptor.hpp"
#include "plugin/staging.hpp"

#include <projector/plugin.h>

#include <filesystem>
#include <memory>
#include <optional>

namespace projector::plugin {

/// One loaded copy of a plugin file. Loaded on the plugin thread, used by one instance, closed when the last owner is
/// destroyed; the staged copy is removed then, unless the process still has it mapped.
class Module {
public:
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Accepted ones.
  [[nodiscard]] const Facts& facts() const noexcept { return descriptor_.facts; }
  /// For the instance, which calls its functions; everyone else uses facts(). The host's own copy, fields that the
  /// plugin does not have zeroed. Pointers in it point into the loaded library.
  [[nodiscard]] const projector_plugin& descriptor() const noexcept { return descriptor_.plugin; }
  [[nodiscard]] const StagedFile& file() const noexcept { return file_; }

  struct LoadResult {
    std::shared_ptr<Module> module;
    std::optional<Refusal> refusal; ///< its reason begins with the source's path
  };
  /// Loads a staged file with all symbols bound and its names kept to itself, reads the descriptor and judges its
  /// facts. Runs no plugin code but its static initialisers. Takes the copy over: it is also removed if the file is
  /// refused.
  static LoadResult load(StagedFile file);

  /// Whether a file that was loaded from `copy` is still mapped in this process.
  static bool still_mapped(const std::filesystem::path& copy);

private:
  struct Library;
  Module(StagedFile file, std::unique_ptr<Library> library);
  StagedFile file_;
  std::unique_ptr<Library> library_;
  Descriptor descriptor_;
};

} // namespace projector::plugin
