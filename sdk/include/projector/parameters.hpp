#pragma once

#include <projector/plugin.h>
#include <projector/values.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace projector::detail {

inline constexpr std::uint32_t kByteaOid = 17;
inline constexpr std::uint32_t kTimestamptzOid = 1184;

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T, class = void>
struct IsRange : std::false_type {};
template <class T>
struct IsRange<
    T, std::void_t<decltype(std::begin(std::declval<const T&>())), decltype(std::end(std::declval<const T&>()))>>
    : std::true_type {};

template <class T>
inline constexpr bool kIsNull = std::is_same<T, std::nullopt_t>::value || std::is_same<T, std::nullptr_t>::value;
template <class T>
inline constexpr bool kIsText = std::is_convertible<const T&, std::string_view>::value;
template <class T>
inline constexpr bool kIsBytes = std::is_convertible<const T&, Bytes>::value;
template <class T>
inline constexpr bool kIsTimestamp = std::is_convertible<const T&, Timestamp>::value;
template <class T>
inline constexpr bool kIsCharacter = std::is_same<T, char>::value || std::is_same<T, wchar_t>::value ||
                                     std::is_same<T, char16_t>::value || std::is_same<T, char32_t>::value;
template <class T>
inline constexpr bool kIsNumber = (std::is_integral<T>::value || std::is_same<T, float>::value ||
                                   std::is_same<T, double>::value) &&
                                  !kIsCharacter<T>;
template <class T>
inline constexpr bool kIsScalar = kIsNumber<T> || std::is_same<T, Uuid>::value || kIsTimestamp<T>;
template <class T>
inline constexpr bool kDependentFalse = false;

template <class T>
char* format_scalar(char* out, const T& value) noexcept {
  if constexpr (kIsTimestamp<T>) {
    return format(out, static_cast<Timestamp>(value));
  } else {
    return format(out, value);
  }
}

/// Writes an element in double quotes, which is right for every text: NULL, commas, braces, blanks, the empty text.
inline void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      out += '\\';
    }
    out += character;
  }
  out += '"';
}

inline void append_quoted(std::string& out, Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += "\"\\\\x";
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<unsigned>(byte) >> 4];
    out += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  out += '"';
}

template <class T>
void append_element(std::string& out, const T& value) {
  if constexpr (kIsNull<T>) {
    out += "NULL";
  } else if constexpr (IsOptional<T>::value) {
    value ? append_element(out, *value) : append_element(out, nullptr);
  } else if constexpr (kIsScalar<T>) {
    char text[kScalarSize];
    const std::string_view formatted(text, static_cast<std::size_t>(format_scalar(text, value) - text));
    if constexpr (kIsTimestamp<T>) {
      append_quoted(out, formatted);
    } else {
      out += formatted;
    }
  } else if constexpr (kIsText<T>) {
    if constexpr (std::is_pointer<T>::value) {
      if (value == nullptr) {
        return append_element(out, nullptr);
      }
    }
    append_quoted(out, std::string_view(value));
  } else if constexpr (kIsBytes<T>) {
    append_quoted(out, Bytes(value));
  } else {
    static_assert(kDependentFalse<T>,
                  "an array holds numbers, booleans, text, bytes, Uuid, timestamps, or optionals of "
                  "these; for more dimensions pass text and cast it");
  }
}

/// The text form of an SQL array with one dimension.
template <class Range>
std::string array_literal(const Range& range) {
  std::string out = "{";
  for (auto&& element : range) {
    using Element = std::decay_t<decltype(element)>;
    static_assert(sizeof(Element) > 1 || std::is_same<Element, bool>::value || !std::is_integral<Element>::value,
                  "a range of 8-bit integers may mean bytea or an array: use std::byte or a wider integer");
    if (out.size() > 1) {
      out += ',';
    }
    append_element(out, static_cast<const Element&>(element));
  }
  out += '}';
  return out;
}

/// One argument of exec or query in the form that the host takes. It refers to text and bytes and copies everything
/// else. The server infers the type, except for bytes (bytea) and timestamps (timestamptz).
class Parameter {
public:
  template <class T>
  explicit Parameter(const T& value) {
    set(value);
  }
  Parameter(const Parameter&) = delete;
  Parameter& operator=(const Parameter&) = delete;

  [[nodiscard]] const projector_value& value() const noexcept { return value_; }

private:
  template <class T>
  void set(const T& value) {
    using Decayed = std::decay_t<T>;
    if constexpr (kIsNull<T>) {
      value_ = projector_value{};
    } else if constexpr (IsOptional<T>::value) {
      value ? set(*value) : set(nullptr);
    } else if constexpr (kIsScalar<T>) {
      refer({buffer_, static_cast<std::size_t>(format_scalar(buffer_, value) - buffer_)},
            kIsTimestamp<T> ? kTimestamptzOid : 0, 0);
    } else if constexpr (kIsText<T>) {
      if constexpr (std::is_pointer<T>::value) {
        if (value == nullptr) {
          return set(nullptr);
        }
      }
      refer(std::string_view(value), 0, 0);
    } else if constexpr (kIsBytes<T>) {
      refer(Bytes(value).text(), kByteaOid, 1);
    } else if constexpr (IsRange<T>::value) {
      array_ = array_literal(value);
      refer(array_, 0, 0);
    } else {
      static_assert(kDependentFalse<Decayed>, "a parameter is a number, a boolean, text, Bytes, Uuid, a timestamp, an "
                                              "optional of these, std::nullopt, nullptr, or a range of these");
    }
  }
  void refer(std::string_view bytes, std::uint32_t oid, std::int32_t binary) noexcept {
    // An empty view may have no data, which would mean NULL.
    value_ = projector_value{bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), oid, binary};
  }

  projector_value value_{};
  char buffer_[kScalarSize];
  std::string array_;
};

} // namespace projector::detail
