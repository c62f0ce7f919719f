#include "supervisor/directory_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace projector::supervisor {
namespace {

constexpr std::uint32_t kMask = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

} // namespace

DirectoryWatch::DirectoryWatch() : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (!inotify_) {
    throw std::system_error(errno, std::generic_category(),
                            "inotify_init1: raise fs.inotify.max_user_instances, or end other programs that use it");
  }
}

void DirectoryWatch::watch(const std::set<std::filesystem::path>& directories) {
  Interests interests;
  for (const auto& directory : directories) {
    add(std::filesystem::absolute(directory).lexically_normal(), interests);
  }
  for (const auto& [descriptor, interest] : interests_) {
    if (!interests.contains(descriptor)) {
      ::inotify_rm_watch(inotify_.get(), descriptor);
    }
  }
  interests_ = std::move(interests);
}

void DirectoryWatch::add(const std::filesystem::path& directory, Interests& interests) {
  std::filesystem::path place = directory.has_filename() ? directory : directory.parent_path();
  std::string next; // below `place`, on the way to the directory; empty where `place` is the directory
  bool absent = false;
  while (true) {
    // Adding a watch that exists changes nothing, and one for a path that became another directory adds that one.
    const int descriptor = ::inotify_add_watch(inotify_.get(), place.c_str(), kMask);
    if (descriptor >= 0) {
      auto& interest = interests[descriptor];
      if (next.empty()) {
        interest.everything = true;
        return;
      }
      interest.names.insert(next);
      // It may have been made since it was found to be absent, before there was a watch to tell.
      std::error_code error;
      if (absent && std::filesystem::is_directory(place / next, error)) {
        add(directory, interests);
      }
      return;
    }
    absent = errno == ENOENT;
    if (!place.has_relative_path()) {
      return;
    }
    next = place.filename();
    place = place.parent_path();
  }
}

bool DirectoryWatch::matters(int descriptor, const char* name) const {
  const auto found = interests_.find(descriptor);
  if (found == interests_.end()) {
    return descriptor < 0; // the queue overflowed; else a watch that was given up
  }
  return *name == '\0' || found->second.everything || found->second.names.contains(name);
}

bool DirectoryWatch::drain() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool any = false;
  ssize_t size = 0;
  while ((size = ::read(inotify_.get(), buffer.data(), buffer.size())) > 0) {
    inotify_event event{};
    for (const char* at = buffer.data(); at < buffer.data() + size; at += sizeof event + event.len) {
      std::memcpy(&event, at, sizeof event);
      any = matters(event.wd, event.len == 0 ? "" : at + sizeof event) || any;
    }
  }
  return any;
}

} // namespace projector::supervisor
