#pragma once

#include "config/field.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace projector::config {

/// The files that `include` in the main file names.
struct Include {
  std::vector<std::filesystem::path> patterns;    ///< as written; only those without problems
  std::vector<std::filesystem::path> files;       ///< sorted, each once, without the main file
  std::vector<std::filesystem::path> directories; ///< in which new files may appear; they need not exist
};

/// Expands the shell patterns in `value`, relative to the main file's directory. A pattern without a match is allowed;
/// a directory that cannot be read is a problem.
Include expand_include(const Value& value, const std::filesystem::path& main_file, Problems& problems);

/// The files that Include::patterns match now, as in Include::files. A directory that cannot be read matches nothing.
std::vector<std::filesystem::path> matching_files(const std::vector<std::filesystem::path>& patterns,
                                                  const std::filesystem::path& main_file);

constexpr std::size_t kMostFileBytes = 1u << 20;

/// The text of a regular file of at most `most` bytes.
struct FileText {
  std::string text;
  std::string fault; ///< why it could not be read; empty if it was read
};
FileText read_file(const std::filesystem::path& file, std::size_t most = kMostFileBytes);

} // namespace projector::config
