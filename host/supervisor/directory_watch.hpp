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

/// Tells that something in some directories, or some files, may have changed; what, a scan finds out. What is absent is
/// waited for through its nearest existing parent, and every symbolic link on the way is watched where it stands. Where
/// the kernel gives no watch, only the regular scan notices changes. Owned by the supervisor; its thread only.
class DirectoryWatch {
public:
  /// The kernel's functions, so that tests can let them fail.
  struct Inotify {
    std::function<int(int flags)> init;
    std::function<int(int fd, const char* directory, std::uint32_t mask)> add_watch;
  };
  DirectoryWatch();
  explicit DirectoryWatch(Inotify inotify);

  /// From here on these, watched anew where they were replaced: all that happens in `directories`, and `files` one by
  /// one. To be called before each scan.
  void watch(const std::set<std::filesystem::path>& directories, const std::set<std::filesystem::path>& files = {});
  /// Readable when something may have changed; -1 where the kernel gives no inotify instance.
  [[nodiscard]] int fd() const noexcept { return instance_.get(); }
  /// Takes what has been reported; true where any of it calls for a scan.
  bool drain();
  /// Why the last watch() does not watch everything, with the cure, where a limit of the kernel is used up. The same
  /// text for as long as that lasts.
  [[nodiscard]] const std::optional<std::string>& trouble() const noexcept { return trouble_; }

private:
  /// What of a watched directory matters: everything, or only some entries.
  struct Interest {
    bool everything = false;
    std::set<std::string> names;
  };
  using Interests = std::map<int, Interest>; ///< by watch descriptor

  void open_instance();
  /// Watches the way to `target`, and what is in it if it is to be a directory. False where the way changed meanwhile.
  bool follow(const std::filesystem::path& target, bool is_directory, Interests& interests);
  /// Watches for one name in a directory, or for everything; where there is no watch to be had, for the directory in
  /// its parent. False where the directory was gone and is there again.
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
