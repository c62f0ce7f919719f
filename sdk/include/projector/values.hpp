#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace projector {

/// A view of bytes that are not text: bytea. Made from any contiguous range of std::byte (vector, array, span). It does
/// not own them.
class Bytes {
public:
  constexpr Bytes() noexcept = default;
  constexpr Bytes(const std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <class Range, class Pointer = decltype(std::declval<const Range&>().data()),
            class = std::enable_if_t<std::is_same<std::remove_cv_t<std::remove_pointer_t<Pointer>>, std::byte>::value>>
  constexpr Bytes(const Range& range) noexcept : data_(range.data()), size_(range.size()) {}

  /// The bytes of a text, unchanged.
  static Bytes of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
  }
  [[nodiscard]] std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }

  [[nodiscard]] constexpr const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr const std::byte* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr const std::byte* end() const noexcept { return data_ + size_; }

private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Sixteen bytes in network order.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// Eight, four, four, four and twelve hexadecimal digits; nothing for any other text.
  static std::optional<Uuid> parse(std::string_view text);
  /// In lower case, with hyphens.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Uuid& a, const Uuid& b) noexcept { return a.bytes == b.bytes; }
  friend bool operator!=(const Uuid& a, const Uuid& b) noexcept { return a.bytes != b.bytes; }
  friend bool operator<(const Uuid& a, const Uuid& b) noexcept { return a.bytes < b.bytes; }
};

/// A point in time, in microseconds as PostgreSQL keeps it.
struct Timestamp {
  std::int64_t microseconds = 0; ///< since 1970-01-01T00:00:00Z

  using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
  constexpr Timestamp() noexcept = default;
  constexpr explicit Timestamp(std::int64_t since_1970) noexcept : microseconds(since_1970) {}
  /// Rounded down to whole microseconds.
  template <class Duration>
  constexpr Timestamp(std::chrono::time_point<std::chrono::system_clock, Duration> point) noexcept
      : microseconds(std::chrono::floor<std::chrono::microseconds>(point).time_since_epoch().count()) {}
  [[nodiscard]] constexpr TimePoint time_point() const noexcept {
    return TimePoint(std::chrono::microseconds(microseconds));
  }

  /// What PostgreSQL prints with DateStyle ISO, in any time zone; nothing for other texts, infinity among them.
  static std::optional<Timestamp> parse(std::string_view text);
  /// "2024-02-29 12:34:56.000001+00", always UTC; years before 1 with " BC" at the end.
  [[nodiscard]] std::string to_string() const;

  friend constexpr bool operator==(Timestamp a, Timestamp b) noexcept { return a.microseconds == b.microseconds; }
  friend constexpr bool operator!=(Timestamp a, Timestamp b) noexcept { return a.microseconds != b.microseconds; }
  friend constexpr bool operator<(Timestamp a, Timestamp b) noexcept { return a.microseconds < b.microseconds; }
};

} // namespace projector

#include <projector/text_format.hpp>
