#include "config/include.hpp"

#include "base/unique_fd.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace projector::config {
namespace {

constexpr std::size_t kMostPatterns = 64;
constexpr std::size_t kMostFiles = 10'000;

std::string error_text(int error) {
  return std::generic_category().message(error);
}

bool has_wildcard(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

using Paths = std::vector<std::filesystem::path>;

/// The matching entries of `directory`, sorted; none if it does not exist.
Paths match(const std::filesystem::path& directory, const std::string& pattern, std::string& fault) {
  Paths paths;
  std::error_code error;
  const auto shown = directory.empty() ? std::filesystem::path(".") : directory;
  for (std::filesystem::directory_iterator entry(shown, error), end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename();
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0) {
      paths.push_back(directory / name);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    fault = fmt::format("{} cannot be read: {}", shown.string(), error.message());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// The paths that match `pattern` component by component; a relative pattern starts at `base`. If a directory cannot be
/// read, `fault` is set to its name and the reason.
Paths expand(const std::filesystem::path& base, const std::filesystem::path& pattern, std::string& fault) {
  Paths paths{pattern.is_absolute() ? pattern.root_path() : base};
  for (const auto& component : pattern.relative_path()) {
    Paths next;
    for (const auto& path : paths) {
      std::error_code ignored;
      if (has_wildcard(component.string())) {
        const Paths matches = match(path, component.string(), fault);
        next.insert(next.end(), matches.begin(), matches.end());
      } else if (std::filesystem::exists(std::filesystem::symlink_status(path / component, ignored))) {
        next.push_back(path / component);
      }
    }
    paths = std::move(next);
  }
  for (auto& path : paths) {
    path = path.lexically_normal();
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Adds the paths that are not in the list yet, except the main file.
void add_files(const Paths& more, const std::filesystem::path& main_file, Paths& files) {
  for (const auto& file : more) {
    std::error_code ignored;
    const bool known = std::find(files.begin(), files.end(), file) != files.end();
    if (!known && !std::filesystem::equivalent(file, main_file, ignored)) {
      files.push_back(file);
    }
  }
}

void add_directories(const std::filesystem::path& base, const std::filesystem::path& pattern, Include& include) {
  const auto add = [&](const std::filesystem::path& path) {
    const auto directory = path.empty() ? std::filesystem::path(".") : path.lexically_normal();
    if (std::find(include.directories.begin(), include.directories.end(), directory) == include.directories.end()) {
      include.directories.push_back(directory);
    }
  };
  std::filesystem::path fixed = pattern.parent_path();
  if (has_wildcard(fixed.string())) {
    std::string reported_with_the_files;
    for (const auto& directory : expand(base, fixed, reported_with_the_files)) {
      add(directory);
    }
    while (has_wildcard(fixed.string())) {
      fixed = fixed.parent_path();
    }
  }
  add(base / fixed);
}

} // namespace

Include expand_include(const Value& value, const std::filesystem::path& main_file, Problems& problems) {
  Include include;
  const auto base = main_file.parent_path();
  const Field field{value, "include", base, problems};
  if (value.kind != Value::Kind::Array || value.elements.size() > kMostPatterns) {
    const bool single = value.kind == Value::Kind::String;
    field.refuse(
        single ? fmt::format("an array of patterns; write [{}]", quote(value.text))
               : fmt::format("an array of at most {} patterns, such as [\"projections.d/*.toml\"]", kMostPatterns));
    return include;
  }
  for (const Value& element : value.elements) {
    std::string pattern;
    const std::size_t before = problems.size();
    read_text(Field{element, "include", base, problems}, pattern, "a pattern such as \"projections.d/*.toml\"");
    if (problems.size() == before && pattern.empty()) {
      problems.push_back(
          {element.where, "include: found an empty pattern, expected one such as \"projections.d/*.toml\""});
    }
    if (problems.size() > before) {
      continue;
    }
    std::string fault;
    const Paths files = expand(base, pattern, fault);
    if (!fault.empty()) {
      problems.push_back({element.where, "include: " + fault});
    }
    add_files(files, main_file, include.files);
    add_directories(base, pattern, include);
    include.patterns.emplace_back(pattern);
  }
  if (include.files.size() > kMostFiles) {
    field.refuse(fmt::format("at most {}", kMostFiles), fmt::format("{} files", include.files.size()));
    include.files.clear();
  }
  return include;
}

std::vector<std::filesystem::path> matching_files(const std::vector<std::filesystem::path>& patterns,
                                                  const std::filesystem::path& main_file) {
  Paths files;
  for (const auto& pattern : patterns) {
    std::string fault;
    add_files(expand(main_file.parent_path(), pattern, fault), main_file, files);
  }
  return files;
}

FileText read_file(const std::filesystem::path& file, std::size_t most) {
  // Without O_NONBLOCK, open would block on a FIFO in the directory.
  const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    return {{}, "cannot be read: " + error_text(errno)};
  }
  if (!S_ISREG(status.st_mode)) {
    return {{}, "is not a regular file"};
  }
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return {{}, "cannot be read: " + error_text(errno)};
    }
    if (count == 0) {
      return {std::move(text), {}};
    }
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > most) {
      return {{}, "is larger than 1 MiB, the most that a configuration file may be"};
    }
  }
}

} // namespace projector::config
