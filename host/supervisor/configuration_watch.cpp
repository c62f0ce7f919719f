#include "supervisor/configuration_watch.hpp"

#include "config/include.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace projector::supervisor {

ConfigurationWatch::ConfigurationWatch(std::filesystem::path main_file) {
  sources_.main_file = std::move(main_file);
}

ConfigurationWatch::FileStatus ConfigurationWatch::status_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    FileStatus none;
    none.error = errno;
    return none;
  }
  const auto nanoseconds = [](const timespec& time) {
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
  };
  return {0, status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

ConfigurationWatch::FileStatuses ConfigurationWatch::read_statuses() const {
  FileStatuses statuses{{sources_.main_file, status_of(sources_.main_file)}};
  for (const auto& file : config::matching_files(sources_.patterns, sources_.main_file)) {
    statuses.emplace(file, status_of(file));
  }
  return statuses;
}

void ConfigurationWatch::before_load() {
  loaded_ = read_statuses();
}

bool ConfigurationWatch::changed() const {
  return read_statuses() != loaded_;
}

bool ConfigurationWatch::settled() const {
  // Longer than the resolution of the times in file systems.
  constexpr std::int64_t kFresh = 20'000'000;
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto statuses = read_statuses();
  return std::none_of(statuses.begin(), statuses.end(), [&](const auto& entry) {
    const std::int64_t age = now - entry.second.changed;
    return entry.second.error == 0 && age >= 0 && age < kFresh; // the clock of a network file system may be ahead
  });
}

std::set<std::filesystem::path> ConfigurationWatch::directories() const {
  return {sources_.directories.begin(), sources_.directories.end()};
}

std::set<std::filesystem::path> ConfigurationWatch::files() const {
  std::set<std::filesystem::path> files(sources_.files.begin(), sources_.files.end());
  files.insert(sources_.main_file);
  return files;
}

} // namespace projector::supervisor
