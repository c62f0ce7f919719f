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

ConfigurationWatch::Look ConfigurationWatch::look(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    Look none;
    none.error = errno;
    return none;
  }
  const auto nanoseconds = [](const timespec& time) {
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
  };
  return {0, status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

ConfigurationWatch::Looks ConfigurationWatch::look_at_all() const {
  Looks looks{{sources_.main_file, look(sources_.main_file)}};
  for (const auto& file : config::matching_files(sources_.patterns, sources_.main_file)) {
    looks.emplace(file, look(file));
  }
  return looks;
}

void ConfigurationWatch::before_load() {
  loaded_ = look_at_all();
}

bool ConfigurationWatch::changed() const {
  return look_at_all() != loaded_;
}

bool ConfigurationWatch::settled() const {
  // Longer than the ticks in which file systems keep time.
  constexpr std::int64_t kFresh = 20'000'000;
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto looks = look_at_all();
  return std::none_of(looks.begin(), looks.end(), [&](const auto& entry) {
    const std::int64_t age = now - entry.second.changed;
    return entry.second.error == 0 && age >= 0 && age < kFresh; // a clock of another machine may be ahead
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
