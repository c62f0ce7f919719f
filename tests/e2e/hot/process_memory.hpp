#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <sys/types.h>

namespace projector::test {

/// Memory mappings of a process, from /proc.
struct ProcessMemory {
  std::uint64_t resident = 0;   ///< bytes
  std::uint64_t lines = 0;      ///< of its list of mappings
  std::uint64_t deleted = 0;    ///< mappings of plugin copies whose file is gone
  std::set<std::string> copies; ///< plugin copies that are mapped
};
/// `cache` is the directory of plugin copies.
ProcessMemory read_memory(pid_t process, const std::filesystem::path& cache);

/// The plugin copies that lie in `cache`.
std::set<std::string> staged_copies(const std::filesystem::path& cache);

/// Whether the process has this thread.
bool has_thread(pid_t process, const std::string& thread);

} // namespace projector::test
