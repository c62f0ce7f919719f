#include "line_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace external_sample {

namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), std::string("cannot ") + what + " " + path.string());
}

/// Reads exactly `size` bytes, which the file must have.
void read_at(int fd, std::uint64_t offset, char* out, std::size_t size, const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t count = ::pread(fd, out, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      fail("read", path);
    }
    out += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
}

/// Flushes the directory, without which a new file's name is not on disk.
void sync_directory(const std::filesystem::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) {
    ::close(fd);
  }
  if (!synced) {
    fail("write to disk", directory);
  }
}

} // namespace

LineFile::LineFile(std::filesystem::path path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd_ < 0) {
    fail("open", path_);
  }
  try {
    sync_directory(path_.parent_path());
    struct stat status {};
    if (::fstat(fd_, &status) != 0) {
      fail("look at", path_);
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    char last = '\n';
    if (size_ > 0) {
      read_at(fd_, size_ - 1, &last, 1, path_);
    }
    if (last != '\n') {
      cut(line_start(size_));
    }
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

LineFile::~LineFile() {
  ::close(fd_);
}

std::uint64_t LineFile::line_start(std::uint64_t end) const {
  std::array<char, 4096> block;
  while (end > 0) {
    const std::size_t size = std::min<std::uint64_t>(block.size(), end);
    read_at(fd_, end - size, block.data(), size, path_);
    for (std::size_t i = size; i > 0; --i) {
      if (block[i - 1] == '\n') {
        return end - size + i;
      }
    }
    end -= size;
  }
  return 0;
}

std::optional<std::string> LineFile::last_line() const {
  if (size_ == 0) {
    return std::nullopt;
  }
  const std::uint64_t end = size_ - 1;
  const std::uint64_t start = line_start(end);
  std::string line(end - start, '\0');
  read_at(fd_, start, line.data(), line.size(), path_);
  return line;
}

void LineFile::append(std::string_view lines) {
  std::uint64_t offset = size_;
  bool written = true;
  for (std::string_view rest = lines; !rest.empty();) {
    const ssize_t count = ::pwrite(fd_, rest.data(), rest.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      written = false;
      break;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  if (!written || ::fdatasync(fd_) != 0) {
    const int error = errno;
    cut(size_);
    errno = error;
    fail("append to", path_);
  }
  size_ = offset;
}

void LineFile::clear() {
  cut(0);
  if (::fdatasync(fd_) != 0) {
    fail("empty", path_);
  }
}

void LineFile::cut(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) {
    fail("shorten", path_);
  }
  size_ = size;
}

} // namespace external_sample
