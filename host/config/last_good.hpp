#pragma once

#include "config/load.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projector::config {

/// Stores the last good version of each included file, so that it can be used while the file is refused, also after a
/// restart of the host. The versions are in a directory (0700) `.configuration` below the host's state directory. Hosts
/// of the same user may share it; each main file has its own files there. A version that cannot be written is kept in
/// memory. Owned by the supervisor; one thread at a time.
class LastGood {
public:
  /// `state` is plugins.state. The directory is made when the first version is stored.
  explicit LastGood(const std::filesystem::path& state);

  /// Nothing if none is stored. A directory that another user owns or may write to is not read.
  [[nodiscard]] std::optional<std::string> text(const std::filesystem::path& main_file,
                                                const std::filesystem::path& file) const;
  /// Stores Loaded::good_files, and deletes versions of files that the main file no longer includes (refused files are
  /// kept). Returns what failed and how to correct it; file system errors are not thrown. Does nothing without a
  /// configuration.
  [[nodiscard]] std::vector<std::string> keep(const Loaded& loaded);

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

private:
  /// Why some could not be written (they are then in memory); empty if all were.
  std::string keep_good(const std::string& main_file, const std::map<std::filesystem::path, std::string>& files);

  std::filesystem::path directory_;
  std::map<std::string, std::string> unwritten_; ///< text by the stored file's name
};

/// Loads the configuration as a host does: with the last good versions of refused files, from the directory that the
/// configuration itself names, as far as this user may read it.
Loaded load_with_last_good(const std::filesystem::path& main_file, const Overrides& overrides);

} // namespace projector::config
