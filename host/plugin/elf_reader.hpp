#pragma once

#include "plugin/file_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace projector::plugin {

/// Reads from an opened file within its size, with pread. What lies beyond is a refusal as incomplete, in which `what`
/// says what reaches there: "its header reaches". Borrows the descriptor.
class ElfReader {
public:
  ElfReader(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] Refusal incomplete(std::string_view what) const;
  [[nodiscard]] bool inside(std::uint64_t offset, std::uint64_t length) const {
    return offset <= size_ && length <= size_ - offset;
  }

  std::optional<Refusal> read(std::uint64_t offset, void* into, std::size_t length, std::string_view what) const;

  /// Calls `visit` for each of `count` entries until it returns false; reads a bounded number at a time.
  template <class Entry, class Visit>
  std::optional<Refusal> each(std::uint64_t offset, std::uint64_t count, std::string_view what, Visit visit) const {
    if (count > size_ / sizeof(Entry) || !inside(offset, count * sizeof(Entry))) {
      return incomplete(what);
    }
    std::vector<Entry> chunk(std::min<std::uint64_t>(count, 1024));
    for (std::uint64_t done = 0; done < count;) {
      const std::size_t some = std::min<std::uint64_t>(chunk.size(), count - done);
      if (auto refusal = read(offset + done * sizeof(Entry), chunk.data(), some * sizeof(Entry), what)) {
        return refusal;
      }
      for (std::size_t i = 0; i < some; ++i) {
        if (!visit(chunk[i])) {
          return std::nullopt;
        }
      }
      done += some;
    }
    return std::nullopt;
  }

private:
  int fd_;
  std::uint64_t size_;
};

} // namespace projector::plugin
