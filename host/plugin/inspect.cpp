#include "plugin/inspect.hpp"

#include "base/child_answer.hpp"
#include "plugin/description.hpp"
#include "plugin/module.hpp"
#include "plugin/staging.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace projector::plugin {

namespace {

namespace fs = std::filesystem;

// The child's answer begins with one of these.
constexpr char kGood = 'g';
constexpr char kRefused = 'r';

/// A directory for the child's copies that the parent removes, since the child may not live to do it.
class PrivateDirectory {
public:
  PrivateDirectory() {
    std::string name = (fs::temp_directory_path() / "projector-inspect-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(),
                              "cannot make a temporary directory to inspect the plugin in");
    }
    path_ = name;
  }
  ~PrivateDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
  fs::path path_;
};

std::string examine(const fs::path& file, const fs::path& directory) {
  try {
    StageResult staged = stage(file, directory);
    if (staged.refusal) {
      return kRefused + staged.refusal->reason;
    }
    const Module::LoadResult loaded = Module::load(std::move(*staged.staged));
    return loaded.refusal ? kRefused + loaded.refusal->reason : kGood + describe(*loaded.module);
  } catch (const std::exception& error) {
    return kRefused + std::string(error.what());
  }
}

Inspection refused(const std::string& reason) {
  return {false, "refused: " + reason + "\n"};
}

} // namespace

Inspection inspect(const fs::path& file, base::Duration limit) {
  const PrivateDirectory directory;
  const auto answer = base::ask_in_child([&] { return examine(file, directory.path()); }, limit);
  if (!answer.answered) {
    return refused(file.string() + " " + answer.text + " while it was loaded");
  }
  return answer.text.front() == kGood ? Inspection{true, answer.text.substr(1)} : refused(answer.text.substr(1));
}

} // namespace projector::plugin
