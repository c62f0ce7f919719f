#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>

namespace projector::plugin {

/// projectord-runner, opened once: an upgrade of the package replaces the file while this process runs, and a runner
/// has to be of this process's build. A value that is not changed; any thread.
class RunnerProgram {
public:
  /// The program beside this one, as a build tree has it, else the one where a package installs it, relative to this
  /// one. Throws std::system_error that names both places.
  static RunnerProgram find();
  /// Throws std::system_error if it cannot be opened or executed.
  explicit RunnerProgram(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Can be executed, and nothing else.
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }

private:
  std::filesystem::path path_;
  base::UniqueFd fd_;
};

} // namespace projector::plugin
