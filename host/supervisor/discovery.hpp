#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace projector::supervisor {

/// What tells one version of a file from another without reading it.
struct FileSignature {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  friend bool operator==(const FileSignature&, const FileSignature&) = default;
};

/// A plugin file that the directories hold.
struct FoundPlugin {
  std::string name;
  std::filesystem::path file;
  FileSignature signature;
  bool autostart = false;
  std::vector<std::filesystem::path> shadowed; ///< files of the same name in later directories
};

struct Discovery {
  std::map<std::string, FoundPlugin> plugins;      ///< by name
  std::vector<std::string> unreadable;             ///< directories that are there and cannot be read, with the reason
  std::vector<std::filesystem::path> ignored = {}; ///< files that end in .so and whose names are no plugin's
};

/// That a file of Discovery::ignored is ignored, why, and the way out.
std::string ignored_file(const std::filesystem::path& file);

/// Looks through the plugin directories; the first that holds a name wins. A directory that is absent is an empty one.
Discovery discover(const config::Plugins& plugins);

} // namespace projector::supervisor
