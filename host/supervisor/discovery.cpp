#include "supervisor/discovery.hpp"

#include "plugin/file_check.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <system_error>

namespace projector::supervisor {
namespace {

bool read_signature(const std::filesystem::path& file, FileSignature& signature) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0) {
    return false;
  }
  if (S_ISLNK(status.st_mode)) {
    // The target of a link can change while the link does not. A link without a target is kept, and is refused later.
    struct stat target {};
    status = ::stat(file.c_str(), &target) == 0 ? target : status;
  }
  const auto nanoseconds = [](const timespec& time) { return time.tv_sec * std::int64_t{1000000000} + time.tv_nsec; };
  signature = {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size), nanoseconds(status.st_mtim),
               nanoseconds(status.st_ctim)};
  return true;
}

} // namespace

std::string ignored_file(const std::filesystem::path& file) {
  return fmt::format(
      "{} is ignored: a plugin's file name is a lower-case letter, then at most 47 of a-z, 0-9 and _, and "
      ".so; rename it",
      file.string());
}

Discovery discover(const config::Plugins& plugins) {
  Discovery discovery;
  for (const auto& directory : plugins.directories) {
    std::error_code error;
    std::filesystem::directory_iterator entries(directory, error);
    const bool autostart =
        std::find(plugins.autostart.begin(), plugins.autostart.end(), directory) != plugins.autostart.end();
    for (const std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
      const auto& file = entries->path();
      const auto name = plugin::plugin_name(file);
      FileSignature signature;
      if (!name && file.extension() == ".so" && !file.filename().string().starts_with(".")) {
        discovery.ignored.push_back(file);
      }
      if (!name || !read_signature(file, signature)) {
        continue;
      }
      const auto [place, first] =
          discovery.plugins.try_emplace(*name, FoundPlugin{*name, file, signature, autostart, {}});
      if (!first && place->second.file != file) {
        place->second.shadowed.push_back(file);
      }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      discovery.unreadable.push_back(fmt::format("{}: {}", directory.string(), error.message()));
    }
  }
  return discovery;
}

} // namespace projector::supervisor
