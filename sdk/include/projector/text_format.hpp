// PostgreSQL's text format of single values, both ways. Not for plugins: they use values, parameters and rows.
#pragma once

#include <projector/values.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace projector::detail {

/// Room for any single value that is formatted below.
inline constexpr std::size_t kScalarSize = 48;

inline char* copy_text(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

/// `value` in decimal with zeros in front up to `width` digits.
inline char* format_padded(char* out, std::uint64_t value, int width) noexcept {
  char digits[20];
  const auto size = static_cast<int>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits);
  for (int i = size; i < width; ++i) {
    *out++ = '0';
  }
  return copy_text(out, {digits, static_cast<std::size_t>(size)});
}

inline char* format(char* out, bool value) noexcept {
  return copy_text(out, value ? "true" : "false");
}

template <class Number,
          std::enable_if_t<std::is_arithmetic<Number>::value && !std::is_same<Number, bool>::value, int> = 0>
char* format(char* out, Number value) noexcept {
  if constexpr (std::is_floating_point<Number>::value) {
    if (std::isnan(value)) {
      return copy_text(out, "NaN");
    }
    if (std::isinf(value)) {
      return copy_text(out, value < 0 ? "-Infinity" : "Infinity");
    }
  }
  return std::to_chars(out, out + kScalarSize, value).ptr;
}

inline char* format(char* out, const Uuid& value) noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < value.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      *out++ = '-';
    }
    *out++ = kDigits[value.bytes[i] >> 4];
    *out++ = kDigits[value.bytes[i] & 15];
  }
  return out;
}

/// Division that rounds down, so that what is left over is never negative.
constexpr std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept {
  return value / by - (value % by < 0 ? 1 : 0);
}

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil and civil_from_days, with years that
// begin in March and eras of 400 years.
constexpr std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = floor_divide(year, 400);
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

struct CivilDate {
  std::int64_t year; ///< astronomical: 0 is 1 BC
  unsigned month;
  unsigned day;
};

constexpr CivilDate civil_from_days(std::int64_t days) noexcept {
  days += 719468;
  const std::int64_t era = floor_divide(days, 146097);
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

inline constexpr std::int64_t kDay = 86'400'000'000; // microseconds

inline char* format(char* out, Timestamp value) noexcept {
  const std::int64_t days = floor_divide(value.microseconds, kDay);
  const auto time = static_cast<std::uint64_t>((value.microseconds % kDay + kDay) % kDay);
  const CivilDate date = civil_from_days(days);
  const bool before_christ = date.year <= 0;
  out = format_padded(out, static_cast<std::uint64_t>(before_christ ? 1 - date.year : date.year), 4);
  out = format_padded(copy_text(out, "-"), date.month, 2);
  out = format_padded(copy_text(out, "-"), date.day, 2);
  out = format_padded(copy_text(out, " "), time / 3'600'000'000, 2);
  out = format_padded(copy_text(out, ":"), time / 60'000'000 % 60, 2);
  out = format_padded(copy_text(out, ":"), time / 1'000'000 % 60, 2);
  if (time % 1'000'000 != 0) {
    out = format_padded(copy_text(out, "."), time % 1'000'000, 6);
  }
  return copy_text(out, before_christ ? "+00 BC" : "+00");
}

/// The whole of `text` as a number; nothing if it is not one or does not fit.
template <class Number>
std::optional<Number> parse_number(std::string_view text) noexcept {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || last != end) {
    return std::nullopt;
  }
  return value;
}

inline std::optional<bool> parse_boolean(std::string_view text) noexcept {
  if (text == "t" || text == "true") {
    return true;
  }
  if (text == "f" || text == "false") {
    return false;
  }
  return std::nullopt;
}

inline std::optional<unsigned> parse_hexadecimal(char digit) noexcept {
  if (digit >= '0' && digit <= '9') {
    return static_cast<unsigned>(digit - '0');
  }
  const char lower = static_cast<char>(digit | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<unsigned>(lower - 'a') + 10;
  }
  return std::nullopt;
}

/// Takes `digits` decimal digits (0: as many as there are) from the front of `text`.
inline std::optional<std::int64_t> take_number(std::string_view& text, std::size_t digits) noexcept {
  std::size_t size = 0;
  while (size < text.size() && text[size] >= '0' && text[size] <= '9' && (digits == 0 || size < digits)) {
    ++size;
  }
  if (digits != 0 && size != digits) {
    return std::nullopt;
  }
  const auto value = parse_number<std::int64_t>(text.substr(0, size));
  text.remove_prefix(size);
  return value;
}

inline bool take(std::string_view& text, char expected) noexcept {
  if (text.empty() || text.front() != expected) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

/// "12:34:56.789" from the front of `text`, in microseconds.
inline std::optional<std::int64_t> take_time(std::string_view& text) noexcept {
  const auto hours = take_number(text, 2);
  const auto minutes = take(text, ':') ? take_number(text, 2) : std::nullopt;
  const auto seconds = take(text, ':') ? take_number(text, 2) : std::nullopt;
  if (!hours || !minutes || !seconds) {
    return std::nullopt;
  }
  std::int64_t microseconds = ((*hours * 60 + *minutes) * 60 + *seconds) * 1'000'000;
  if (take(text, '.')) {
    const std::size_t before = text.size();
    const auto fraction = take_number(text, 0);
    const std::size_t digits = before - text.size();
    if (!fraction || digits > 6) {
      return std::nullopt;
    }
    std::int64_t scaled = *fraction;
    for (std::size_t i = digits; i < 6; ++i) {
      scaled *= 10;
    }
    microseconds += scaled;
  }
  return microseconds;
}

/// "+05:30" from the front of `text`, in microseconds; zero if there is none.
inline std::optional<std::int64_t> take_zone(std::string_view& text) noexcept {
  const bool west = take(text, '-');
  if (!west && !take(text, '+')) {
    return 0;
  }
  std::int64_t seconds = 0;
  for (const std::int64_t unit : {3600, 60, 1}) {
    const auto part = unit == 3600 || take(text, ':') ? take_number(text, 2) : std::optional<std::int64_t>(0);
    if (!part) {
      return std::nullopt;
    }
    seconds += *part * unit;
  }
  return (west ? -seconds : seconds) * 1'000'000;
}

} // namespace projector::detail

namespace projector {

inline std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) {
    return std::nullopt;
  }
  Uuid uuid;
  std::size_t digit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') {
        return std::nullopt;
      }
      continue;
    }
    const auto value = detail::parse_hexadecimal(text[i]);
    if (!value) {
      return std::nullopt;
    }
    auto& byte = uuid.bytes[digit++ / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | *value);
  }
  return uuid;
}

inline std::string Uuid::to_string() const {
  char text[detail::kScalarSize];
  return {text, detail::format(text, *this)};
}

inline std::string Timestamp::to_string() const {
  char text[detail::kScalarSize];
  return {text, detail::format(text, *this)};
}

inline std::optional<Timestamp> Timestamp::parse(std::string_view text) {
  constexpr std::int64_t kLastYear = 292'000; // what 64 bits of microseconds hold
  // Zero is no year, month or day.
  const std::int64_t year = detail::take_number(text, 0).value_or(0);
  const std::int64_t month = detail::take(text, '-') ? detail::take_number(text, 2).value_or(0) : 0;
  const std::int64_t day = detail::take(text, '-') ? detail::take_number(text, 2).value_or(0) : 0;
  const auto time = detail::take(text, ' ') ? detail::take_time(text) : std::nullopt;
  const auto zone = detail::take_zone(text);
  if (year < 1 || year > kLastYear || month < 1 || month > 12 || day < 1 || day > 31 || !time || !zone ||
      !(text.empty() || text == " BC")) {
    return std::nullopt;
  }
  const std::int64_t days =
      detail::days_from_civil(text.empty() ? year : 1 - year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  return Timestamp(days * detail::kDay + *time - *zone);
}

} // namespace projector
