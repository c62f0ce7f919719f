#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace projector::supervisor {

/// Reports that something in some directories, or some files, may have changed; a scan then finds out what. For a path
/// that does not exist, its nearest existing parent is watched; for a symbolic link, the directory of the link as well.
/// If the kernel gives no watch, only the regular scan notices changes. Owned by the supervisor; its thread only.
class DirectoryWatch {
public:
  /// The kernel's functions, which tests replace to let them fail.
  struct Inotify {
    std::function<int(int flags)> init;
    std::function<int(int fd, const char* directory, std::uint32_t mask)> add_watch;
  };
  DirectoryWatch();
  explicit DirectoryWatch(Inotify inotify);

  /// Watches these from now on, and those that were replaced anew: all changes in `directories`, and those of `files`.
  /// To be called before each scan.
  void watch(const std::set<std::filesystem::path>& directories, const std::set<std::filesystem::path>& files = {});
  /// Readable when something may have changed; -1 if the kernel gives no inotify instance.
  [[nodiscard]] int fd() const noexcept { return instance_.get(); }
  /// Reads the pending reports. True if a scan is needed.
  bool drain();
  /// Why the last watch() could not watch everything, with the cure, if a limit of the kernel is reached. The text
  /// stays the same while that lasts.
  [[nodiscard]] const std::optional<std::string>& trouble() const noexcept { return trouble_; }

private:
  /// The entries of a watched directory that matter: all, or only some.
  struct Interest {
    bool everything = false;
    std::set<std::string> names;
  };
  using Interests = std::map<int, Interest>; ///< by watch descriptor

  void open_instance();
  /// Watches the path to `target` and, if `is_directory`, its entries. False if the path changed meanwhile.
  bool follow(const std::filesystem::path& target, bool is_directory, Interests& interests);
  /// Watches one name in a directory, or all; if the directory cannot be watched, its name in its parent. False if the
  /// directory had vanished and exists again.
  bool add(const std::filesystem::path& directory, const std::optional<std::string>& name, Interests& interests);
  /// The watch descriptor, or -1 with errno.
  int add_watch(const std::filesystem::path& directory);
  [[nodiscard]] bool matters(int descriptor, const char* name) const;

  Inotify inotify_;
  base::UniqueFd instance_;
  Interests interests_;
  std::optional<std::string> trouble_;
};

} // namespace projector::supervisor
