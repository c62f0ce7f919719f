#pragma once

#include "base/unique_fd.hpp"
#include "plugin/file_check.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace projector::plugin {

/// A directory (0700) of this process's own below a shared one, for copies of plugin files. A lock marks it as in use,
/// so that several hosts can share the parent; directories of hosts that do not run any more are removed first. Owned
/// by the supervisor; removed with all it holds when destroyed.
class StagingDirectory {
public:
  /// Creates `parent` (0700) if it does not exist. Throws std::system_error if it cannot be created or used, also if
  /// users other than root and the host's own can write to it.
  explicit StagingDirectory(const std::filesystem::path& parent);
  ~StagingDirectory();
  StagingDirectory(const StagingDirectory&) = delete;
  StagingDirectory& operator=(const StagingDirectory&) = delete;

  /// Absolute and without symbolic links.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
  base::UniqueFd lock_;
};

/// A plugin file copied into the staging directory under a name of its own.
struct StagedFile {
  std::filesystem::path source;
  std::filesystem::path copy;
  std::string name;   ///< the plugin's, from the file's name
  std::string sha256; ///< of the bytes that were copied, lower-case hexadecimal
};

struct StageResult {
  std::optional<StagedFile> staged;
  std::optional<Refusal> refusal; ///< its reason begins with the file's path
};
/// Opens the file once, checks owner and modes of it and of its directory, copies the bytes and checks the copy. The
/// copy is the caller's: a StagedPlugin made of it removes it, else discard() does. Never throws for what the file
/// holds; throws std::system_error if the staging directory cannot be used.
StageResult stage(const std::filesystem::path& source, const std::filesystem::path& staging_directory);

/// Removes the copy.
void discard(const StagedFile& staged) noexcept;

} // namespace projector::plugin
