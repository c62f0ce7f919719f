#include "config/last_good.hpp"

#include "base/unique_fd.hpp"
#include "config/include.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <system_error>

namespace projector::config {
namespace {

constexpr std::string_view kMagic = "projectord last good version 1:";
constexpr std::string_view kUnfinished = ".unfinished-";
constexpr std::size_t kMostPathBytes = 64u << 10;

/// The stored form of one file: the header `kMagic MAIN FILE TEXT` with sizes in bytes, one line for each of the two
/// paths, and the text.
struct Kept {
  std::string main_file;
  std::string file;
  std::string text;
};

std::string to_bytes(const Kept& kept) {
  return fmt::format("{} {} {} {}\n{}\n{}\n{}", kMagic, kept.main_file.size(), kept.file.size(), kept.text.size(),
                     kept.main_file, kept.file, kept.text);
}

std::optional<Kept> parse(std::string_view bytes) {
  const std::size_t line = bytes.find('\n');
  if (line == std::string_view::npos || bytes.substr(0, kMagic.size()) != kMagic) {
    return std::nullopt;
  }
  std::size_t sizes[3] = {};
  const char* at = bytes.data() + kMagic.size();
  for (std::size_t& size : sizes) {
    if (*at != ' ') {
      return std::nullopt;
    }
    const auto [end, error] = std::from_chars(at + 1, bytes.data() + line, size);
    if (error != std::errc{} || size > bytes.size()) {
      return std::nullopt;
    }
    at = end;
  }
  bytes.remove_prefix(line + 1);
  if (bytes.size() != sizes[0] + 1 + sizes[1] + 1 + sizes[2]) {
    return std::nullopt;
  }
  return Kept{std::string(bytes.substr(0, sizes[0])), std::string(bytes.substr(sizes[0] + 1, sizes[1])),
              std::string(bytes.substr(sizes[0] + sizes[1] + 2))};
}

std::optional<Kept> read_kept(const std::filesystem::path& path) {
  const FileText file = read_file(path, kMostFileBytes + kMostPathBytes);
  return file.fault.empty() ? parse(file.text) : std::nullopt;
}

std::string full_path(const std::filesystem::path& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

/// FNV-1a, 64 bit (Fowler, Noll and Vo). Files with the same digest would only overwrite each other, since the stored
/// path is compared when a file is read.
std::uint64_t digest(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  }
  return hash;
}

/// A file name for any path, which people can recognize.
std::string kept_name(const std::string& main_file, const std::string& file) {
  constexpr std::size_t kMostStem = 100;
  std::string stem = std::filesystem::path(file).stem().string().substr(0, kMostStem);
  std::replace_if(
      stem.begin(), stem.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; }, '_');
  return fmt::format("{}.{:016x}", stem, digest(main_file + '\n' + file));
}

/// Why the directory cannot be used; empty if it can.
std::string directory_fault(const std::filesystem::path& directory) {
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0) {
    return std::generic_category().message(errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    return "it is not a directory";
  }
  if (status.st_uid != ::geteuid()) {
    return "it belongs to another user";
  }
  return (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 ? "others may write to it" : "";
}

/// Why it could not be made; empty if it exists now.
std::string make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory.parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return error ? error.message() : std::generic_category().message(errno);
  }
  return directory_fault(directory);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  return ::fsync(fd) == 0;
}

/// Replaces the file atomically. Returns why it could not; empty on success.
std::string replace_file(const std::filesystem::path& directory, const std::string& name, std::string_view bytes) {
  std::string unfinished = (directory / (std::string(kUnfinished) + "XXXXXX")).string();
  const base::UniqueFd fd(::mkostemp(unfinished.data(), O_CLOEXEC));
  if (!fd) {
    return std::generic_category().message(errno);
  }
  if (!write_all(fd.get(), bytes) || std::rename(unfinished.c_str(), (directory / name).c_str()) != 0) {
    const int error = errno;
    ::unlink(unfinished.c_str());
    return std::generic_category().message(error);
  }
  return {};
}

bool is_kept(const std::filesystem::path& path, const Kept& kept) {
  const auto before = read_kept(path);
  return before && before->main_file == kept.main_file && before->file == kept.file && before->text == kept.text;
}

void sync_directory(const std::filesystem::path& directory) {
  const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ::fsync(fd.get());
}

/// Removes stored files of this main file that are not in `included`, and unfinished ones that a killed host left
/// behind. If one cannot be removed, the next call tries again.
void forget(const std::filesystem::path& directory, const std::string& main_file,
            const std::map<std::string, std::string>& included) {
  std::error_code error;
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  std::vector<std::filesystem::path> gone;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().filename().string().compare(0, kUnfinished.size(), kUnfinished) == 0) {
      const auto written = std::filesystem::last_write_time(entry->path(), ignored);
      if (!ignored && written < long_ago) {
        gone.push_back(entry->path());
      }
    } else if (const auto kept = read_kept(entry->path());
               kept && kept->main_file == main_file && included.count(entry->path().filename().string()) == 0) {
      gone.push_back(entry->path());
    }
  }
  for (const auto& path : gone) {
    std::filesystem::remove(path, error);
  }
}

} // namespace

LastGood::LastGood(const std::filesystem::path& state)
    : directory_(std::filesystem::absolute(state) / ".configuration") {}

std::optional<std::string> LastGood::text(const std::filesystem::path& main_file,
                                          const std::filesystem::path& file) const {
  const std::string main = full_path(main_file);
  const std::string path = full_path(file);
  const std::string name = kept_name(main, path);
  if (const auto unwritten = unwritten_.find(name); unwritten != unwritten_.end()) {
    return unwritten->second;
  }
  if (!directory_fault(directory_).empty()) {
    return std::nullopt;
  }
  auto kept = read_kept(directory_ / name);
  return kept && kept->main_file == main && kept->file == path ? std::optional(std::move(kept->text)) : std::nullopt;
}

std::string LastGood::keep_good(const std::string& main_file,
                                const std::map<std::filesystem::path, std::string>& files) {
  std::string fault = make_directory(directory_);
  bool written = false;
  for (const auto& [path, text] : files) {
    const Kept kept{main_file, full_path(path), text};
    const std::string name = kept_name(main_file, kept.file);
    if (fault.empty() && !is_kept(directory_ / name, kept)) {
      fault = replace_file(directory_, name, to_bytes(kept));
      written = fault.empty();
    }
    if (fault.empty()) {
      unwritten_.erase(name);
    } else {
      unwritten_[name] = text;
    }
  }
  if (written) {
    sync_directory(directory_);
  }
  return fault;
}

std::vector<std::string> LastGood::keep(const Loaded& loaded) {
  if (!loaded.configuration) {
    return {};
  }
  const std::string main_file = full_path(loaded.sources.main_file);
  std::map<std::string, std::string> included; // paths by the kept file's name
  for (const auto& file : loaded.sources.files) {
    const std::string path = full_path(file);
    included.emplace(kept_name(main_file, path), path);
  }
  for (auto unwritten = unwritten_.begin(); unwritten != unwritten_.end();) {
    unwritten = included.count(unwritten->first) == 0 ? unwritten_.erase(unwritten) : std::next(unwritten);
  }
  std::error_code error;
  if (loaded.good_files.empty() && !std::filesystem::exists(std::filesystem::symlink_status(directory_, error))) {
    return {};
  }
  const std::string fault = keep_good(main_file, loaded.good_files);
  if (directory_fault(directory_).empty()) {
    forget(directory_, main_file, included);
  }
  if (fault.empty()) {
    return {};
  }
  return {fmt::format("{}: the last good versions of included files cannot be kept here: {}; after a restart of the "
                      "host, what runs from a file that is refused then would not start; see that the directory is "
                      "this user's own, has mode 0700 and space, or set plugins.state",
                      directory_.string(), fault)};
}

Loaded load_with_last_good(const std::filesystem::path& main_file, const Overrides& overrides) {
  auto loaded = load(main_file, overrides);
  const bool in_order = loaded.configuration && loaded.refused.empty();
  if (in_order || loaded.state.empty()) {
    return loaded;
  }
  const LastGood last_good(loaded.state);
  return load(main_file, overrides, &last_good);
}

} // namespace projector::config
