#include "process_memory.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

namespace projector::test {

namespace fs = std::filesystem;

ProcessMemory read_memory(pid_t process, const fs::path& cache) {
  ProcessMemory memory;
  std::uint64_t pages = 0;
  std::ifstream(fmt::format("/proc/{}/statm", process)) >> pages >> pages;
  memory.resident = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::string below = fs::weakly_canonical(cache).string() + "/";
  std::ifstream maps(fmt::format("/proc/{}/maps", process));
  for (std::string line; std::getline(maps, line); ++memory.lines) {
    const auto path = line.find(below);
    if (path == std::string::npos) {
      continue;
    }
    memory.deleted += line.find(" (deleted)") == std::string::npos ? 0 : 1;
    memory.copies.insert(line.substr(path));
  }
  return memory;
}

std::set<std::string> staged_copies(const fs::path& cache) {
  std::set<std::string> copies;
  for (const auto& entry : fs::recursive_directory_iterator(fs::weakly_canonical(cache))) {
    if (entry.is_regular_file() && entry.path().extension() == ".so") {
      copies.insert(entry.path().string());
    }
  }
  return copies;
}

bool has_thread(pid_t process, const std::string& thread) {
  return fs::exists(fmt::format("/proc/{}/task/{}", process, thread));
}

} // namespace projector::test
