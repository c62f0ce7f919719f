#include "base/temporary_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace projector::base {

TemporaryDirectory::TemporaryDirectory(const std::string& purpose) {
  std::string name = (std::filesystem::temp_directory_path() / (purpose + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot make a temporary directory " + name + ": free space, or set TMPDIR");
  }
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

} // namespace projector::base
