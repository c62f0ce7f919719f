#include "page.hpp"

#include "support/host_process.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace projector::test {
namespace {

constexpr std::size_t kIndentation = 4;

bool is_code(const std::string& line) {
  return line.compare(0, kIndentation, std::string(kIndentation, ' ')) == 0;
}

} // namespace

Page::Page(const std::string& path) : path_(path) {
  std::ifstream file(std::filesystem::path(PROJECTOR_TEST_SOURCE_DIR) / path);
  text_.assign(std::istreambuf_iterator<char>(file), {});
}

std::string Page::code_with(const std::string& part) const {
  std::istringstream lines(text_);
  std::string block;
  std::string blank_lines; // they belong to a block where code follows
  for (std::string line; std::getline(lines, line);) {
    if (is_code(line)) {
      block += (block.empty() ? "" : blank_lines) + line.substr(kIndentation) + "\n";
      blank_lines.clear();
    } else if (line.empty()) {
      blank_lines += "\n";
    } else {
      if (block.find(part) != std::string::npos) {
        return block;
      }
      block.clear();
      blank_lines.clear();
    }
  }
  if (block.find(part) == std::string::npos) {
    throw std::runtime_error(path_ + " has no code with " + part);
  }
  return block;
}

std::filesystem::path build_plugin(const std::string& source, const std::string& name,
                                   const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / (name + ".cpp")) << source;
  const std::string script = "set -eu; cd \"$1\"; cmake --install \"$3\" --component sdk --prefix sdk >sdk.log; "
                             "export PKG_CONFIG_PATH=$(dirname \"$(find \"$1/sdk\" -name projector.pc)\"); "
                             "g++ -std=c++20 -O2 -o \"$2.so\" \"$2.cpp\" $(pkg-config --cflags --libs projector)";
  const Finished finished =
      run_program({"/bin/sh", "-c", script, "build", directory.string(), name, PROJECTOR_TEST_BIN_DIR "/.."});
  if (finished.code != 0) {
    throw std::runtime_error("the code for " + name + " is not built: " + finished.output);
  }
  return directory / (name + ".so");
}

} // namespace projector::test
