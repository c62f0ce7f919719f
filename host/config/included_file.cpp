#include "config/included_file.hpp"

#include "config/include.hpp"
#include "config/projection_table.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace projector::config {
namespace {

/// The names that follow `start` at the beginning of a line, blanks and quotes aside, in a text that need not be TOML.
std::vector<std::string> names_in_lines(std::string_view text, std::string_view start) {
  std::set<std::string> names;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto ignored = [](char c) { return c == ' ' || c == '\t' || c == '"' || c == '\''; };
    line.erase(std::remove_if(line.begin(), line.end(), ignored), line.end());
    if (line.compare(0, start.size(), start) == 0) {
      const std::string name = line.substr(start.size(), line.find_first_of(".]#\r", start.size()) - start.size());
      if (projection_name_fault(name).empty()) {
        names.insert(name);
      }
    }
  }
  return {names.begin(), names.end()};
}

void parse(IncludedFile& file) {
  file.document = parse_toml(*file.text, file.shown);
  if (file.document.syntax_error) {
    file.headers = names_in_lines(*file.text, "[projection.");
  }
  file.plugins = names_in_lines(*file.text, "plugin=");
}

} // namespace

std::optional<IncludedFile> read_included_file(const std::filesystem::path& path,
                                               const std::optional<std::string>& last_good) {
  IncludedFile file;
  file.path = path;
  file.shown = path.string();
  FileText read = read_file(path);
  if (read.fault.empty()) {
    file.text = std::move(read.text);
    file.known_good = file.text == last_good;
    parse(file);
    return file;
  }
  std::error_code error;
  if (std::filesystem::symlink_status(path, error).type() == std::filesystem::file_type::not_found) {
    return std::nullopt;
  }
  file.document.syntax_error = Problem{{file.shown}, read.fault};
  file.plugins = {path.stem().string()};
  return file;
}

IncludedFile last_good_version(const IncludedFile& refused, const std::string& text, Problems problems,
                               std::vector<std::string> projections) {
  IncludedFile file;
  file.path = refused.path;
  file.shown = refused.path.string() + " (last good version)";
  file.text = text;
  file.known_good = true;
  file.refusal = std::move(problems);
  file.refused_projections = std::move(projections);
  parse(file);
  return file;
}

} // namespace projector::config
