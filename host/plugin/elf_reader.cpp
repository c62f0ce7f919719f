#include "plugin/elf_reader.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace projector::plugin {

Refusal ElfReader::incomplete(std::string_view what) const {
  return {true, fmt::format("is incomplete: {} beyond its {} bytes. If it is still being copied, it is read again when "
                            "that is done; else copy it again",
                            what, size_)};
}

std::optional<Refusal> ElfReader::read(std::uint64_t offset, void* into, std::size_t length,
                                       std::string_view what) const {
  if (!inside(offset, length)) {
    return incomplete(what);
  }
  auto* bytes = static_cast<char*>(into);
  while (length > 0) {
    const ssize_t got = ::pread(fd_, bytes, length, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Refusal{false, fmt::format("cannot be read: {}", std::strerror(errno))};
    }
    if (got == 0) {
      return incomplete(what);
    }
    bytes += got;
    offset += static_cast<std::uint64_t>(got);
    length -= static_cast<std::size_t>(got);
  }
  return std::nullopt;
}

} // namespace projector::plugin
