#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace projector::channel {

/// Puts a message together: numbers in the machine's own byte order, without alignment; bytes behind their length. It
/// is used again for the next message without allocating. A value; one thread. Throws std::length_error for bytes of 4
/// GiB and more, and std::bad_alloc.
class Writer {
public:
  void u32(std::uint32_t value) { number(value); }
  void u64(std::uint64_t value) { number(value); }
  void i32(std::int32_t value) { number(value); }
  void i64(std::int64_t value) { number(value); }
  void flag(bool value) { number<std::uint32_t>(value ? 1 : 0); }
  /// A length, and the bytes.
  void bytes(std::string_view value);
  /// Likewise, and a NUL byte that the length does not count, so that the reader finds a C string in place. The text
  /// holds no NUL byte.
  void text(std::string_view value);
  void optional_text(const std::optional<std::string>& value);
  /// Bytes whose number the reader knows.
  void raw(const void* data, std::size_t size) {
    if (size > 0) {
      std::memcpy(extend(size), data, size);
    }
  }

  [[nodiscard]] std::string_view view() const noexcept { return {buffer_.data(), size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Forgets the message; gives back the memory of an uncommonly large one.
  void clear() noexcept;

private:
  template <class Number>
  void number(Number value) {
    std::memcpy(extend(sizeof value), &value, sizeof value);
  }
  char* extend(std::size_t size) {
    if (buffer_.size() - size_ < size) {
      grow(size);
    }
    char* const at = buffer_.data() + size_;
    size_ += size;
    return at;
  }
  void grow(std::size_t size);

  std::string buffer_; ///< the first size_ bytes are in use
  std::size_t size_ = 0;
};

} // namespace projector::channel
