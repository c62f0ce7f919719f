#pragma once

#include <filesystem>
#include <string>

namespace projector::base {

/// A private directory (0700) in the system's directory for temporary files; the destructor removes it with its
/// contents. One owner.
class TemporaryDirectory {
public:
  /// The directory's name begins with `purpose`. Throws std::system_error.
  explicit TemporaryDirectory(const std::string& purpose);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace projector::base
