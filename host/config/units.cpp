#include "config/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <string>

namespace projector::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kDurationUnits{Unit{"d", 86'400'000'000}, Unit{"h", 3'600'000'000}, Unit{"m", 60'000'000},
                                    Unit{"s", 1'000'000},      Unit{"ms", 1'000},        Unit{"us", 1}};
constexpr std::array kSizeUnits{Unit{"GiB", 1u << 30}, Unit{"MiB", 1u << 20}, Unit{"KiB", 1u << 10}, Unit{"B", 1}};

template <std::size_t N>
std::optional<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units, std::uint64_t limit) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) {
    return std::nullopt;
  }
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.name == name) {
      return number <= limit / unit.factor ? std::optional(number * unit.factor) : std::nullopt;
    }
  }
  return std::nullopt;
}

template <std::size_t N>
std::string format(std::uint64_t number, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (number % unit.factor == 0) {
      return std::to_string(number / unit.factor).append(unit.name);
    }
  }
  return {};
}

} // namespace

std::optional<base::Duration> parse_duration(std::string_view text) {
  const auto microseconds = parse(text, kDurationUnits, std::numeric_limits<base::Duration::rep>::max());
  return microseconds ? std::optional(base::Duration(*microseconds)) : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, kSizeUnits, std::numeric_limits<std::uint64_t>::max());
}

std::string format_duration(base::Duration duration) {
  return duration.count() == 0 ? "0s" : format(static_cast<std::uint64_t>(duration.count()), kDurationUnits);
}

std::string format_size(std::uint64_t bytes) {
  return bytes == 0 ? "0B" : format(bytes, kSizeUnits);
}

} // namespace projector::config
