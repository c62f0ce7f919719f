#include "plugin/setting_value.hpp"

#include "config/units.hpp"

#include <array>
#include <charconv>

namespace projector::plugin {

namespace {

template <class Number>
std::optional<std::string> number_text(std::string_view text) {
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  std::array<char, 64> shortest{};
  const auto written = std::to_chars(shortest.data(), shortest.data() + shortest.size(), number);
  return std::string(shortest.data(), written.ptr);
}

} // namespace

std::string_view expected_value(std::int32_t type) {
  switch (type) {
  case PROJECTOR_SETTING_STRING:
    return "a string";
  case PROJECTOR_SETTING_INTEGER:
    return "an integer";
  case PROJECTOR_SETTING_NUMBER:
    return "a number";
  case PROJECTOR_SETTING_BOOLEAN:
    return "true or false";
  case PROJECTOR_SETTING_STRINGS:
    return "an array of strings such as [\"a\", \"b\"]";
  case PROJECTOR_SETTING_DURATION:
    return "a duration such as \"250ms\" (a whole number and us, ms, s, m, h or d)";
  case PROJECTOR_SETTING_SIZE:
    return "a size such as \"64MiB\" (a whole number and B, KiB, MiB or GiB)";
  default:
    return "";
  }
}

std::optional<std::string> setting_value(std::int32_t type, std::string_view text) {
  switch (type) {
  case PROJECTOR_SETTING_STRING:
    return std::string(text);
  case PROJECTOR_SETTING_INTEGER:
    return number_text<std::int64_t>(text);
  case PROJECTOR_SETTING_NUMBER:
    return number_text<double>(text);
  case PROJECTOR_SETTING_BOOLEAN:
    return text == "true" || text == "false" ? std::optional<std::string>(text) : std::nullopt;
  case PROJECTOR_SETTING_DURATION: {
    const auto duration = config::parse_duration(text);
    return duration ? std::optional(std::to_string(duration->count())) : std::nullopt;
  }
  case PROJECTOR_SETTING_SIZE: {
    const auto bytes = config::parse_size(text);
    return bytes ? std::optional(std::to_string(*bytes)) : std::nullopt;
  }
  default:
    return std::nullopt;
  }
}

} // namespace projector::plugin
