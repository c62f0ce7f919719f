#include "plugin/staging.hpp"

#include "base/test_point.hpp"
#include "plugin/sha256.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace projector::plugin {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

base::UniqueFd lock_file(const fs::path& file, int how) {
  base::UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    fail("cannot open the lock file " + file.string());
  }
  while (::flock(fd.get(), how) != 0) {
    if (errno == EWOULDBLOCK) {
      return base::UniqueFd();
    }
    if (errno != EINTR) {
      fail("cannot lock " + file.string());
    }
  }
  return fd;
}

/// PID-XXXXXX, as StagingDirectory names them.
bool is_host_directory(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  const auto dash = name.find('-');
  const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto alphanumeric = [](unsigned char c) { return std::isalnum(c) != 0; };
  return entry.symlink_status().type() == fs::file_type::directory && dash != std::string::npos && dash > 0 &&
         name.size() == dash + 7 &&
         std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dash), digit) &&
         std::all_of(name.end() - 6, name.end(), alphanumeric);
}

/// Removes the directories whose lock is free. The caller holds the parent's lock, so no other host is creating one.
void sweep(const fs::path& parent) {
  for (const fs::directory_entry& entry : fs::directory_iterator(parent)) {
    if (is_host_directory(entry) && lock_file(entry.path() / "lock", LOCK_EX | LOCK_NB)) {
      fs::remove_all(entry.path());
    }
  }
}

void make_parent(const fs::path& parent) {
  fs::create_directories(parent.parent_path());
  if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) {
    fail("cannot make the directory for copies of plugins, " + parent.string());
  }
  struct stat status = {};
  if (::stat(parent.c_str(), &status) != 0) {
    fail("cannot use the directory for copies of plugins, " + parent.string());
  }
  if (!S_ISDIR(status.st_mode)) {
    errno = ENOTDIR;
    fail("cannot use the directory for copies of plugins, " + parent.string());
  }
  if ((status.st_uid != 0 && status.st_uid != ::geteuid()) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    errno = EPERM;
    fail(fmt::format("the directory for copies of plugins, {}, can be written by others (uid {}, mode {:04o}): choose "
                     "another as plugins.cache, or make it uid {}'s own and run chmod go-w on it",
                     parent.string(), status.st_uid, status.st_mode & 07777U, ::geteuid()));
  }
}

/// A file in the staging directory that is removed again unless it is kept.
class Copy {
public:
  Copy(const fs::path& directory, const std::string& name) : path_((directory / (name + ".XXXXXX.so")).string()) {
    fd_ = base::UniqueFd(::mkostemps(path_.data(), 3, O_CLOEXEC));
    if (!fd_) {
      fail("cannot make a copy of a plugin in " + directory.string());
    }
  }
  ~Copy() {
    if (!kept_) {
      ::unlink(path_.c_str());
    }
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }

  void write(const char* bytes, std::size_t size) {
    while (size > 0) {
      const ssize_t written = ::write(fd_.get(), bytes, size);
      if (written < 0 && errno != EINTR) {
        fail("cannot write the copy of a plugin, " + path_);
      }
      bytes += std::max<ssize_t>(written, 0);
      size -= static_cast<std::size_t>(std::max<ssize_t>(written, 0));
    }
  }

  /// Puts the hash into the name. The random part stays: a name never comes back, since the dynamic loader takes the
  /// same path for the same library for as long as that is loaded.
  fs::path keep(const std::string& name, const std::string& sha256) {
    const fs::path old = path_;
    fs::path renamed =
        old.parent_path() / (name + "." + sha256.substr(0, 12) + old.filename().string().substr(name.size()));
    if (::fchmod(fd_.get(), 0500) != 0 || ::rename(old.c_str(), renamed.c_str()) != 0) {
      fail("cannot name the copy of a plugin, " + renamed.string());
    }
    kept_ = true;
    return renamed;
  }

private:
  std::string path_;
  base::UniqueFd fd_;
  bool kept_ = false;
};

/// Copies up to the end of the file, or `size` bytes; the number copied. Negative where reading fails, with errno.
off_t copy_bytes(int from, off_t size, Copy& to, Sha256& sha256) {
  std::array<char, 1U << 16> buffer; // NOLINT: filled by pread
  off_t done = 0;
  while (done < size) {
    const auto want = std::min<off_t>(size - done, static_cast<off_t>(buffer.size()));
    const ssize_t got = ::pread(from, buffer.data(), static_cast<std::size_t>(want), done);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return -1;
    }
    if (got == 0) {
      break;
    }
    sha256.add(buffer.data(), static_cast<std::size_t>(got));
    to.write(buffer.data(), static_cast<std::size_t>(got));
    done += got;
  }
  return done;
}

bool same_content(const struct stat& a, const struct stat& b) {
  const auto same_time = [](const timespec& x, const timespec& y) {
    return x.tv_sec == y.tv_sec && x.tv_nsec == y.tv_nsec;
  };
  return a.st_size == b.st_size && same_time(a.st_mtim, b.st_mtim) && same_time(a.st_ctim, b.st_ctim);
}

StageResult refused(Refusal refusal) {
  return {std::nullopt, std::move(refusal)};
}

} // namespace

StagingDirectory::StagingDirectory(const fs::path& parent) {
  const fs::path absolute = fs::absolute(parent).lexically_normal();
  const fs::path directory = absolute.has_filename() ? absolute : absolute.parent_path();
  make_parent(directory);
  const fs::path real = fs::canonical(directory);
  const base::UniqueFd parent_lock = lock_file(real / "lock", LOCK_EX);
  sweep(real);
  std::string name = (real / fmt::format("{}-XXXXXX", ::getpid())).string();
  if (::mkdtemp(name.data()) == nullptr) {
    fail("cannot make a directory for copies of plugins in " + real.string());
  }
  path_ = name;
  lock_ = lock_file(path_ / "lock", LOCK_EX | LOCK_NB);
}

StagingDirectory::~StagingDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

StageResult stage(const fs::path& source, const fs::path& staging_directory) {
  const auto name = plugin_name(source);
  if (!name) {
    return refused({false, fmt::format("{} is not a plugin's file name, expected [a-z][a-z0-9_]*.so of at most 48 "
                                       "characters before the dot",
                                       source.string())});
  }
  struct stat before = {};
  OpenedFile opened = open_plugin_file(source, before);
  if (opened.refusal) {
    return refused(std::move(*opened.refusal));
  }
  Copy copy(staging_directory, *name);
  Sha256 sha256;
  const off_t copied = copy_bytes(opened.fd.get(), before.st_size, copy, sha256);
  if (copied < 0) {
    return refused({false, fmt::format("{} cannot be read: {}", source.string(), std::strerror(errno))});
  }
  PROJECTOR_TEST_POINT("plugin_copied");
  struct stat after = {};
  if (copied != before.st_size || ::fstat(opened.fd.get(), &after) != 0 || !same_content(before, after)) {
    return refused({true, fmt::format("{} was changed while it was read: it is read again", source.string())});
  }
  if (auto refusal = check_elf(copy.fd(), static_cast<std::uint64_t>(copied))) {
    return refused({refusal->incomplete, source.string() + " " + refusal->reason});
  }
  const std::string hash = sha256.finish();
  return {StagedFile{source, copy.keep(*name, hash), *name, hash}, std::nullopt};
}

void discard(const StagedFile& staged) noexcept {
  ::unlink(staged.copy.c_str());
}

} // namespace projector::plugin
