#include "program.hpp"

#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace projector::control {
namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

} // namespace

Program::Program() {
  std::filesystem::create_directory(directory_.path() / "plugins");
  std::filesystem::create_directory(directory_.path() / "projections.d");
}

Finished Program::run(const std::string& arguments) const {
  const std::string out = path("stdout");
  const std::string error = path("stderr");
  const std::string command = "env -i HOME=" + directory_.path().string() + " " + PROJECTOR_TEST_BIN_DIR +
                              "/projectorctl " + arguments + " >" + out + " 2>" + error + " </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(error)};
}

void Program::write(const std::string& name, const std::string& text) const {
  std::ofstream file(directory_.path() / name);
  file << text;
  ASSERT_TRUE(file.flush()) << name;
}

void Program::write_main(const std::string& tables, const std::string& dsn) const {
  write("main.toml", "include = [\"projections.d/*.toml\"]\n[event_store]\ndsn = \"" + dsn +
                         "\"\n[plugins]\ndirectories = [\"plugins\"]\nautostart = []\n" + tables);
}

void Program::add_plugin(const std::string& name, const std::string& directory) const {
  std::filesystem::create_directories(directory_.path() / directory);
  std::filesystem::copy_file(std::filesystem::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / (name + ".so"),
                             directory_.path() / directory / (name + ".so"));
}

std::string Program::shorten(std::string text) const {
  const std::string prefix = directory_.path().string() + "/";
  for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
    text.erase(at, prefix.size());
  }
  return text;
}

} // namespace projector::control
