#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace projector::supervisor {

/// Tells that something in some directories may have changed; what, a scan finds out. A directory that is absent is
/// waited for through its nearest existing parent. Where the kernel gives no watch, only the regular scan notices
/// changes. Owned by the supervisor; its thread only.
class DirectoryWatch {
public:
  DirectoryWatch();

  /// From here on these directories, watched anew where they were replaced. To be called before each scan.
  void watch(const std::set<std::filesystem::path>& directories);
  /// Readable when something may have changed.
  [[nodiscard]] int fd() const noexcept { return inotify_.get(); }
  /// Takes what has been reported; true where any of it calls for a scan.
  bool drain();

private:
  /// What of a watched directory matters: everything, or only the entries on the way to absent directories.
  struct Interest {
    bool everything = false;
    std::set<std::string> names;
  };
  using Interests = std::map<int, Interest>; ///< by watch descriptor

  void add(const std::filesystem::path& directory, Interests& interests);
  [[nodiscard]] bool matters(int descriptor, const char* name) const;

  base::UniqueFd inotify_;
  Interests interests_;
};

} // namespace projector::supervisor
