#include "support/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <sys/stat.h>
#include <system_error>

namespace projector::test {

namespace {

/// A Unix socket's path has 107 characters at most, so a long TMPDIR is not used.
std::filesystem::path parent_directory() {
  constexpr std::size_t kLongest = 60;
  const auto configured = std::filesystem::temp_directory_path();
  return configured.native().size() <= kLongest ? configured : std::filesystem::path("/tmp");
}

} // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (parent_directory() / "projector-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
  }
  path_ = name;
  if (::chmod(name.c_str(), 0755) != 0) {
    throw std::system_error(errno, std::generic_category(), "chmod " + name);
  }
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

} // namespace projector::test
