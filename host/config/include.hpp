#pragma once

#include "config/field.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace projector::config {

/// What `include` in the main file names.
struct Include {
  std::vector<std::filesystem::path> files;       ///< sorted, each once, without the main file
  std::vector<std::filesystem::path> directories; ///< in which new files may appear; they need not exist
};

/// Expands the shell patterns in `value`, relative to the main file's directory. No match is fine; a directory that
/// cannot be read is a problem.
Include expand_include(const Value& value, const std::filesystem::path& main_file, Problems& problems);

/// The text of a regular file of at most 1 MiB.
struct FileText {
  std::string text;
  std::string fault; ///< why it could not be read; empty when it was
};
FileText read_file(const std::filesystem::path& file);

} // namespace projector::config
