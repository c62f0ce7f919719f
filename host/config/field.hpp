#pragma once

#include "config/value.hpp"

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::config {

using Problems = std::vector<Problem>;

/// One value that is being read into a plain struct.
struct Field {
  const Value& value;
  std::string key;                   ///< with its table: "event_store.dsn"
  const std::filesystem::path& base; ///< absolute; relative paths are resolved against it
  Problems& problems;

  /// Adds the problem "KEY: found FOUND, expected EXPECTED". If `found` is empty, describe(value) stands for it.
  void refuse(std::string_view expected, const std::string& found = {}) const;
};

// Each of these functions sets `target`, or adds a problem and does not change it.

void read_boolean(const Field& field, bool& target);
void read_whole_number(const Field& field, std::uint32_t& target, std::uint32_t lowest, std::uint32_t highest);
void read_whole_number(const Field& field, std::optional<int>& target, int lowest, int highest);
/// With `or_zero`, zero is allowed, too.
void read_duration(const Field& field, base::Duration& target, base::Duration lowest, base::Duration highest,
                   bool or_zero = false);
/// With `or_zero`, zero is allowed, too.
void read_size(const Field& field, std::uint64_t& target, std::uint64_t lowest, std::uint64_t highest,
               bool or_zero = false);
/// A string of at most 8192 bytes without control characters.
void read_text(const Field& field, std::string& target, std::string_view expected);
/// Like read_text, but messages do not show the value.
void read_secret(const Field& field, std::string& target, std::string_view expected);
void read_choice(const Field& field, std::string& target, std::initializer_list<std::string_view> choices);
/// An SQL identifier; with `may_have_schema`, SCHEMA.NAME is allowed, too; with `or_empty`, the empty string.
void read_identifier(const Field& field, std::string& target, bool may_have_schema, bool or_empty);
void read_path(const Field& field, std::filesystem::path& target);
/// An array of paths; repeated ones are dropped.
void read_paths(const Field& field, std::vector<std::filesystem::path>& target);
/// Likewise, of paths that must be absolute.
void read_absolute_paths(const Field& field, std::vector<std::string>& target);

/// [A-Za-z_][A-Za-z0-9_$]*, at most 63 bytes: a name that needs no quotes in SQL and that the server does not truncate.
bool is_identifier(std::string_view text);
/// Absolute and normalized, without a trailing slash.
std::filesystem::path normal_path(const std::filesystem::path& base, const std::filesystem::path& path);

} // namespace projector::config
