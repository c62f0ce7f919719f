#include "supervisor/directory_watch.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <system_error>

namespace projector::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMask = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kMostLinks = 40; // like the kernel's limit

fs::file_type type_of(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type();
}

/// Puts the components of `path` before `rest`.
void prepend(const fs::path& path, std::deque<std::string>& rest) {
  std::deque<std::string> parts;
  for (const auto& part : path.relative_path()) {
    if (!part.empty() && part != ".") {
      parts.push_back(part.string());
    }
  }
  rest.insert(rest.begin(), parts.begin(), parts.end());
}

} // namespace

DirectoryWatch::DirectoryWatch() : DirectoryWatch({::inotify_init1, ::inotify_add_watch}) {}

DirectoryWatch::DirectoryWatch(Inotify inotify) : inotify_(std::move(inotify)) {
  open_instance();
}

void DirectoryWatch::open_instance() {
  instance_.reset(inotify_.init(IN_CLOEXEC | IN_NONBLOCK));
  if (!instance_) {
    trouble_ = fmt::format("no inotify instance: {}; changes of files are noticed by the regular scan only; raise "
                           "fs.inotify.max_user_instances with sysctl, or end other programs of this user that use it",
                           std::generic_category().message(errno));
  }
}

void DirectoryWatch::watch(const std::set<fs::path>& directories, const std::set<fs::path>& files) {
  trouble_.reset();
  if (!instance_) {
    open_instance();
  }
  if (!instance_) {
    return;
  }
  Interests interests;
  const auto follow_all = [&](const std::set<fs::path>& targets, bool are_directories) {
    for (const auto& target : targets) {
      constexpr int kMostTries = 8;
      for (int tries = 0; tries < kMostTries && !follow(target, are_directories, interests); ++tries) {
      }
    }
  };
  follow_all(directories, true);
  follow_all(files, false);
  for (const auto& [descriptor, interest] : interests_) {
    if (!interests.contains(descriptor)) {
      ::inotify_rm_watch(instance_.get(), descriptor);
    }
  }
  interests_ = std::move(interests);
}

bool DirectoryWatch::follow(const fs::path& target, bool is_directory, Interests& interests) {
  fs::path place("/"); // the part of the path that was followed so far, without links
  std::deque<std::string> rest;
  prepend(fs::absolute(target), rest);
  int links = 0;
  while (!rest.empty()) {
    const std::string name = rest.front();
    rest.pop_front();
    if (name == "..") {
      place = place.parent_path();
      continue;
    }
    const fs::path step = place / name;
    auto type = type_of(step);
    if (type != fs::file_type::directory || (rest.empty() && !is_directory)) {
      if (!add(place, name, interests)) {
        return false;
      }
      type = type_of(step); // again, since it may have changed before the watch was added
    }
    if (type == fs::file_type::symlink) {
      std::error_code error;
      const fs::path link = fs::read_symlink(step, error);
      if (error || ++links > kMostLinks) {
        return !error;
      }
      place = link.is_absolute() ? fs::path("/") : place;
      prepend(link, rest);
      continue;
    }
    if (type != fs::file_type::directory) {
      return true; // a file, or it does not exist
    }
    place = step;
  }
  return !is_directory || add(place, std::nullopt, interests);
}

bool DirectoryWatch::add(const fs::path& directory, const std::optional<std::string>& name, Interests& interests) {
  const int descriptor = add_watch(directory);
  if (descriptor >= 0) {
    Interest& interest = interests[descriptor];
    if (name) {
      interest.names.insert(*name);
    } else {
      interest.everything = true;
    }
    return true;
  }
  const bool gone = errno == ENOENT || errno == ENOTDIR;
  if (directory.has_relative_path()) {
    add(directory.parent_path(), directory.filename().string(), interests);
  }
  return !gone || type_of(directory) != fs::file_type::directory;
}

int DirectoryWatch::add_watch(const fs::path& directory) {
  // An existing watch is not changed; if the path is another directory now, that one gets a new watch.
  const int descriptor = inotify_.add_watch(instance_.get(), directory.c_str(), kMask);
  if (descriptor < 0 && (errno == ENOSPC || errno == ENOMEM) && !trouble_) {
    const int error = errno;
    trouble_ = fmt::format("no watch for {}: {}; changes there are noticed by the regular scan only; raise "
                           "fs.inotify.max_user_watches with sysctl, or end other programs of this user that use it",
                           directory.string(),
                           error == ENOSPC ? "this user's inotify watches are used up" : "the kernel has no memory");
    errno = error;
  }
  return descriptor;
}

bool DirectoryWatch::matters(int descriptor, const char* name) const {
  const auto found = interests_.find(descriptor);
  if (found == interests_.end()) {
    return descriptor < 0; // -1: the queue overflowed; otherwise the watch was removed
  }
  return *name == '\0' || found->second.everything || found->second.names.contains(name);
}

bool DirectoryWatch::drain() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool any = false;
  ssize_t size = 0;
  while ((size = ::read(instance_.get(), buffer.data(), buffer.size())) > 0) {
    inotify_event event{};
    for (const char* at = buffer.data(); at < buffer.data() + size; at += sizeof event + event.len) {
      std::memcpy(&event, at, sizeof event);
      any = matters(event.wd, event.len == 0 ? "" : at + sizeof event) || any;
    }
  }
  return any;
}

} // namespace projector::supervisor
