#include "plugin/usage.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace projector::plugin {
namespace {

std::optional<base::Duration> read_cpu(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  // The name in parentheses may hold anything, other parentheses and blanks, too.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) {
    fields >> skipped;
  }
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (!(fields >> user >> system)) {
    return std::nullopt;
  }
  return base::Duration((user + system) * (1'000'000 / ::sysconf(_SC_CLK_TCK)));
}

void read_memory(pid_t pid, Usage& usage) {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", pid));
  std::uint64_t private_kib = 0;
  bool found = false;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t kib = 0;
    if (!(words >> key >> kib)) {
      continue;
    }
    if (key == "Pss:") {
      usage.pss_bytes = kib * 1024;
    } else if (key == "Private_Clean:" || key == "Private_Dirty:") {
      private_kib += kib;
      found = true;
    }
  }
  if (found) {
    usage.private_bytes = private_kib * 1024;
  }
}

} // namespace

std::optional<Usage> read_usage(pid_t pid) {
  const auto cpu = read_cpu(pid);
  if (!cpu) {
    return std::nullopt;
  }
  Usage usage;
  usage.cpu = *cpu;
  read_memory(pid, usage);
  return usage;
}

} // namespace projector::plugin
