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
  std::optional<std::string> text;  ///< nothing where it cannot be read
  Document document;                ///< has why it cannot be read as its syntax error
  std::vector<std::string> headers; ///< names in [projection.NAME] lines; only where there is a syntax error
  bool known_good = false;          ///< it is its last good version
  /// What is wrong with the version that this, its last good one, stands in for; empty where it stands for itself.
  Problems refusal;
  std::vector<std::string> refused_projections; ///< names in the version that it stands in for
};

/// Nothing where the file is not there any more. `last_good` is its text when it was last in order.
std::optional<IncludedFile> read_included_file(const std::filesystem::path& file,
                                               const std::optional<std::string>& last_good);

/// What stands in for `refused`, whose problems and names are given.
IncludedFile last_good_version(const IncludedFile& refused, const std::string& text, Problems problems,
                               std::vector<std::string> projections);

} // namespace projector::config
