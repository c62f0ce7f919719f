#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace projector::supervisor {

/// Identifies a version of a file without reading it.
struct FileSignature {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  friend bool operator==(const FileSignature&, const FileSignature&) = default;
};

/// A plugin file found in the directories.
struct FoundPlugin {
  std::string name;
  std::filesystem::path file;
  FileSignature signature;
  bool autostart = false;
  std::vector<std::filesystem::path> shadowed; ///< files of the same name in later directories
};

struct Discovery {
  std::map<std::string, FoundPlugin> plugins;      ///< by name
  std::vector<std::string> unreadable;             ///< directories that exist but cannot be read, with the reason
  std::vector<std::filesystem::path> ignored = {}; ///< files that end in .so but have no valid plugin name
};

/// The message for a file of Discovery::ignored: why it is ignored, and the way out.
std::string ignored_file(const std::filesystem::path& file);

/// Scans the plugin directories; of files with the same name, the one in the first directory wins. A directory that
/// does not exist counts as empty.
Discovery discover(const config::Plugins& plugins);

} // namespace projector::supervisor
