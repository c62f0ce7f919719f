#include "support/runner_processes.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

} // namespace

std::vector<RunnerProcessSeen> runners_of(pid_t host) {
  using namespace std::string_literals;
  const std::string parent = "\0--parent\0"s + std::to_string(host) + '\0';
  std::vector<RunnerProcessSeen> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (!is_number(name)) {
      continue;
    }
    std::ifstream in(entry.path() / "cmdline", std::ios::binary); // empty once the process has ended
    const std::string words(std::istreambuf_iterator<char>(in), {});
    if (words.starts_with("projectord: ") && words.find(parent) != std::string::npos) {
      found.push_back({std::stoi(name), words.substr(0, words.find('\0'))});
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

} // namespace projector::test
