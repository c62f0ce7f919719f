#pragma once

#include <filesystem>
#include <string>

namespace projector::base {

/// A directory (0700) of this process's own in the system's directory for temporary files; removed with all it holds
/// when destroyed. One owner.
class TemporaryDirectory {
public:
  /// `purpose` begins its name. Throws std::system_error.
  explicit TemporaryDirectory(const std::string& purpose);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace projector::base
