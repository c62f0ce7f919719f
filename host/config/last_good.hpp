#pragma once

#include "config/load.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace projector::config {

/// The texts that included files had when they were last in order, kept over the host's end: while a file is refused,
/// its last good version runs on. They are in a directory (0700) of the host's own, `.configuration` in its state
/// directory, which hosts of the same user may share; each main file has its own ones there. What cannot be written
/// there is kept in memory. Owned by the supervisor; one thread at a time.
class LastGood {
public:
  /// `state` is plugins.state. Nothing is made before there is something to keep.
  explicit LastGood(const std::filesystem::path& state);

  /// Nothing where none is kept. A directory that belongs to somebody else or that others may write to is not read.
  [[nodiscard]] std::optional<std::string> text(const std::filesystem::path& main_file,
                                                const std::filesystem::path& file) const;
  /// Keeps Loaded::good_files, and forgets files that the main file does not include any more (not those that are
  /// refused). Says what could not be done, and the way out; never throws for what the file system does. Does nothing
  /// where there is no configuration.
  [[nodiscard]] std::vector<std::string> keep(const Loaded& loaded);

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

private:
  /// Why some could not be written, which are then in memory; empty where all are.
  std::string keep_good(const std::string& main_file, const std::map<std::filesystem::path, std::string>& files);

  std::filesystem::path directory_;
  std::map<std::string, std::string> unwritten_; ///< text by the kept file's name
};

/// Loads the configuration as a host does: with the last good versions of refused files, which are kept where the
/// configuration itself says, as far as this user may see them.
Loaded load_with_last_good(const std::filesystem::path& main_file, const Overrides& overrides);

} // namespace projector::config
