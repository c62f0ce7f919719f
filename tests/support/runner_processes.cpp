#include "support/runner_processes.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <ios>
#include <system_error>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Empty once the process has ended. It may vanish at any moment, so nothing here may throw for that.
std::string command_line(const fs::path& process) {
  std::ifstream in(process / "cmdline", std::ios::binary);
  std::string words(16384, '\0');
  in.read(words.data(), static_cast<std::streamsize>(words.size()));
  words.resize(static_cast<std::size_t>(in.gcount()));
  return words;
}

} // namespace

std::vector<RunnerProcessSeen> runners_of(pid_t host) {
  using namespace std::string_literals;
  const std::string parent = "\0--parent\0"s + std::to_string(host) + '\0';
  std::vector<RunnerProcessSeen> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!is_number(name)) {
      continue;
    }
    const std::string words = command_line(entry->path());
    if (words.starts_with("projectord: ") && words.find(parent) != std::string::npos) {
      found.push_back({std::stoi(name), words.substr(0, words.find('\0'))});
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

} // namespace projector::test
