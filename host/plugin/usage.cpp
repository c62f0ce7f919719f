#include "plugin/usage.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
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

std::optional<std::uint64_t> read_private(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::uint64_t of_files = 0;
  if (!(file >> size >> resident >> of_files) || resident == 0) {
    return std::nullopt;
  }
  return (resident - std::min(of_files, resident)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace

std::optional<Usage> read_usage(pid_t pid) {
  const auto cpu = read_cpu(pid);
  if (!cpu) {
    return std::nullopt;
  }
  return Usage{.cpu = *cpu, .private_bytes = read_private(pid)};
}

} // namespace projector::plugin
