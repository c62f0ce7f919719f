#include "plugin/runner_program.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace projector::plugin {

namespace fs = std::filesystem;

RunnerProgram RunnerProgram::find() {
  const fs::path directory = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path beside = directory / "projectord-runner";
  const fs::path installed = directory.parent_path() / "libexec/projectord/projectord-runner";
  for (const auto& path : {beside, installed}) {
    if (::access(path.c_str(), F_OK) == 0) {
      return RunnerProgram(path);
    }
  }
  throw std::system_error(ENOENT, std::generic_category(),
                          fmt::format("the program that holds plugins is neither {} nor {}: install projectord again",
                                      beside.string(), installed.string()));
}

RunnerProgram::RunnerProgram(fs::path path) : path_(std::move(path)), fd_(::open(path_.c_str(), O_PATH | O_CLOEXEC)) {
  if (!fd_ || ::access(path_.c_str(), X_OK) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot execute " + path_.string());
  }
}

} // namespace projector::plugin
