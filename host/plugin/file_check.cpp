#include "plugin/file_check.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace projector::plugin {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 48;
constexpr off_t kLargestFile = off_t{1} << 30;

/// The path as one word of a shell command.
std::string shell_word(const std::string& path) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || std::strchr("/._-+:@", c) != nullptr; };
  if (std::all_of(path.begin(), path.end(), plain)) {
    return path;
  }
  std::string quoted = "'";
  for (const char c : path) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

/// Nothing if only root and the host's own user can change `what` at `path`.
std::optional<Refusal> check_access(const struct stat& status, std::string_view what, const std::string& path) {
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    const std::string expected = ::geteuid() == 0 ? "root" : fmt::format("root or uid {}", ::geteuid());
    return Refusal{false,
                   fmt::format("{} {} belongs to uid {}, expected {}, who runs the host: its owner could run code "
                               "in the host. If the file is trusted, run: chown root {}",
                               what, path, status.st_uid, expected, shell_word(path))};
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    const bool group = (status.st_mode & S_IWGRP) != 0;
    const bool others = (status.st_mode & S_IWOTH) != 0;
    return Refusal{false, fmt::format("{} {} can be written by {} (mode {:04o}): they could run code in the host. "
                                      "Run: chmod go-w {}",
                                      what, path,
                                      group && others ? "its group and others"
                                      : group         ? "its group"
                                                      : "others",
                                      status.st_mode & 07777U, shell_word(path))};
  }
  return std::nullopt;
}

OpenedFile refused(bool incomplete, std::string reason) {
  return {base::UniqueFd(), Refusal{incomplete, std::move(reason)}};
}

OpenedFile cannot_open(const std::string& path, int error) {
  switch (error) {
  case ELOOP:
    return refused(false,
                   fmt::format("{} is a symbolic link that leads out of its directory, expected the file itself or "
                               "a link to below the directory: put a copy of the library there",
                               path));
  case ENOENT:
    return refused(true, fmt::format("{} does not exist, or not yet", path));
  case ENXIO: // a socket
    return refused(false, fmt::format("{} is not a regular file", path));
  default:
    return refused(
        false, fmt::format("{} cannot be opened for reading by uid {}: {}", path, ::geteuid(), std::strerror(error)));
  }
}

/// Where a link leads to, if that is below the directory that it stands in: so volumes are mounted whose files change
/// all at once (Kubernetes' `..data`). Else `file` itself.
fs::path follow_inside(const fs::path& file, const fs::path& parent) {
  std::error_code error;
  if (!fs::is_symlink(file, error)) {
    return file;
  }
  const auto directory = fs::canonical(parent, error);
  const auto target = error ? fs::path() : fs::canonical(file, error);
  const auto [end, rest] = std::mismatch(directory.begin(), directory.end(), target.begin(), target.end());
  return !error && end == directory.end() && rest != target.end() ? target : file;
}

/// Checks the directories from `inner` up to `outer`, which it is below.
std::optional<Refusal> check_directories(fs::path inner, const fs::path& outer) {
  std::error_code error;
  const auto last = fs::canonical(outer, error);
  for (bool more = true; more; inner = inner.parent_path()) {
    struct stat status = {};
    if (::stat(inner.c_str(), &status) != 0) {
      return Refusal{true, fmt::format("the directory {} cannot be read: {}", inner.string(), std::strerror(errno))};
    }
    if (auto refusal = check_access(status, "the directory", inner.string())) {
      return refusal;
    }
    more = inner != last && inner.has_relative_path();
  }
  return std::nullopt;
}

} // namespace

bool is_plugin_name(const std::string& name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [lower](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= kLongestName && lower(name.front()) &&
         std::all_of(name.begin(), name.end(), inner);
}

std::optional<std::string> plugin_name(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  constexpr std::string_view kSuffix = ".so";
  if (name.size() <= kSuffix.size() || std::string_view(name).substr(name.size() - kSuffix.size()) != kSuffix) {
    return std::nullopt;
  }
  std::string stem = name.substr(0, name.size() - kSuffix.size());
  return is_plugin_name(stem) ? std::optional(std::move(stem)) : std::nullopt;
}

OpenedFile open_plugin_file(const fs::path& named, struct stat& status) {
  const fs::path place = named.has_parent_path() ? named.parent_path() : fs::path(".");
  const fs::path file = follow_inside(named, place);
  if (file != named) {
    if (auto refusal = check_directories(file.parent_path(), place)) {
      return {base::UniqueFd(), std::move(refusal)};
    }
  }
  const fs::path parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
  // The file is opened relative to the checked directory's descriptor, so that neither can be exchanged in between.
  const base::UniqueFd directory(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat directory_status = {};
  if (!directory || ::fstat(directory.get(), &directory_status) != 0) {
    return refused(errno == ENOENT,
                   fmt::format("the directory {} cannot be opened: {}", parent.string(), std::strerror(errno)));
  }
  // Without O_NONBLOCK the open of a FIFO would wait for its writer.
  base::UniqueFd fd(
      ::openat(directory.get(), file.filename().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    return cannot_open(file.string(), errno);
  }
  if (::fstat(fd.get(), &status) != 0) {
    return cannot_open(file.string(), errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return refused(false, fmt::format("{} is not a regular file", file.string()));
  }
  if (auto refusal = check_access(directory_status, "the directory", parent.string())) {
    return {base::UniqueFd(), std::move(refusal)};
  }
  if (auto refusal = check_access(status, "the file", file.string())) {
    return {base::UniqueFd(), std::move(refusal)};
  }
  if (status.st_size == 0) {
    return refused(true, fmt::format("{} is empty: it is read again when it has been written", file.string()));
  }
  if (status.st_size > kLargestFile) {
    return refused(false, fmt::format("{} has {} bytes, expected at most {} (1 GiB): strip its debugging information",
                                      file.string(), status.st_size, kLargestFile));
  }
  return {std::move(fd), std::nullopt};
}

} // namespace projector::plugin
