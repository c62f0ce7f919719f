#pragma once

#include "config/load.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>

namespace projector::supervisor {

/// Checks whether the configuration files have changed since the last load, without reading them: it calls stat for the
/// main file and for every file that `include` matches, following symbolic links. A value; owned by the supervisor, its
/// thread only.
class ConfigurationWatch {
public:
  explicit ConfigurationWatch(std::filesystem::path main_file);

  /// To be called before a load, so that a change during the load is noticed after it.
  void before_load();
  /// To be called after a load, also a refused one: from now on the files that it read are checked.
  void after_load(const config::SourceFiles& sources) { sources_ = sources; }

  /// Also true before the first load. It may be true once without a change, after a load that changes `include`.
  [[nodiscard]] bool changed() const;
  /// False if a file was written within the last 20 ms: it may be half written, and stat may not show another change.
  /// The load should be delayed by 20 ms then.
  [[nodiscard]] bool settled() const;

  /// For DirectoryWatch: the directories in which new files can appear, and the files themselves.
  [[nodiscard]] std::set<std::filesystem::path> directories() const;
  [[nodiscard]] std::set<std::filesystem::path> files() const;

private:
  /// The result of stat for a file, or its error.
  struct FileStatus {
    int error = 0; ///< errno
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0; ///< nanoseconds since 1970; the next one, too
    std::int64_t changed = 0;
    friend bool operator==(const FileStatus&, const FileStatus&) = default;
  };
  using FileStatuses = std::map<std::filesystem::path, FileStatus>;

  static FileStatus status_of(const std::filesystem::path& file);
  [[nodiscard]] FileStatuses read_statuses() const;

  config::SourceFiles sources_;
  FileStatuses loaded_; ///< before the last load; empty before the first
};

} // namespace projector::supervisor
