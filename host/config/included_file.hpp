#pragma once

#include "config/field.hpp"
#include "config/toml_reader.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace projector::config {

/// One version of a file that the main file includes, read and parsed.
struct IncludedFile {
  std::filesystem::path path;
  std::string shown;                ///< its name in messages
  std::optional<std::string> text;  ///< nothing if it cannot be read
  Document document;                ///< if it cannot be read, the reason is its syntax error
  std::vector<std::string> headers; ///< names in [projection.NAME] lines; only if it has a syntax error
  std::vector<std::string> plugins; ///< names in `plugin = ".."` lines; the file's stem if it cannot be read
  bool known_good = false;          ///< this is the file's last good version
  /// With a last good version: the problems of the refused version that it replaces; else empty.
  Problems refusal;
  std::vector<std::string> refused_projections; ///< likewise, the names in the refused version
};

/// Nothing if the file no longer exists. `last_good` is the text of its last good version.
std::optional<IncludedFile> read_included_file(const std::filesystem::path& file,
                                               const std::optional<std::string>& last_good);

/// The version that replaces `refused`, whose problems and names are given.
IncludedFile last_good_version(const IncludedFile& refused, const std::string& text, Problems problems,
                               std::vector<std::string> projections);

} // namespace projector::config
