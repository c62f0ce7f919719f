#include "config/field.hpp"

#include "config/units.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::config {
namespace {

constexpr std::size_t kTextBytes = 8192;

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The number in `value` without a unit, also if it is quoted; empty if it is not such a number.
std::string bare_number(const Value& value) {
  if (value.kind == Value::Kind::Integer && value.integer >= 0) {
    return text_of(value);
  }
  return value.kind == Value::Kind::String && is_digits(value.text) ? value.text : std::string();
}

/// Why PostgreSQL or the file system could not accept `value` as text; empty if they can.
std::string text_fault(const Value& value) {
  if (value.kind != Value::Kind::String) {
    return describe_kind(value);
  }
  if (value.text.size() > kTextBytes) {
    return fmt::format("a string of {} bytes", value.text.size());
  }
  const bool control =
      std::any_of(value.text.begin(), value.text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  return control ? "a string with a control character" : "";
}

std::optional<std::int64_t> whole_number(const Field& field, std::int64_t lowest, std::int64_t highest) {
  const Value& value = field.value;
  if (value.kind == Value::Kind::Integer && value.integer >= lowest && value.integer <= highest) {
    return value.integer;
  }
  const bool sign = lowest < 0 && value.text.substr(0, 1) == "-";
  const bool quotes = value.kind == Value::Kind::String && is_digits(std::string_view(value.text).substr(sign ? 1 : 0));
  field.refuse(fmt::format("a whole number from {} to {}{}", lowest, highest, quotes ? ", without quotes" : ""));
  return std::nullopt;
}

/// The path of a value in a field of paths.
std::optional<std::filesystem::path> path_of(const Field& field, bool absolute) {
  const std::string& text = field.value.text;
  const std::string expected = absolute ? "an absolute path, which begins with /" : "a path";
  if (const std::string fault = text_fault(field.value); !fault.empty() || text.empty()) {
    field.refuse(expected, fault.empty() ? "an empty string" : fault);
    return std::nullopt;
  }
  if (absolute && text.front() != '/') {
    field.refuse(expected);
    return std::nullopt;
  }
  return normal_path(field.base, text);
}

/// Without repeated ones.
std::optional<std::vector<std::filesystem::path>> paths_of(const Field& field, bool absolute) {
  if (field.value.kind != Value::Kind::Array) {
    const bool single = field.value.kind == Value::Kind::String && (!absolute || field.value.text.substr(0, 1) == "/");
    field.refuse(fmt::format("an array of {}paths{}", absolute ? "absolute " : "",
                             single ? fmt::format("; write [{}]", quote(field.value.text)) : ""));
    return std::nullopt;
  }
  bool good = true;
  std::vector<std::filesystem::path> paths;
  for (const Value& element : field.value.elements) {
    auto path = path_of(Field{element, field.key, field.base, field.problems}, absolute);
    good = good && path;
    if (path && std::find(paths.begin(), paths.end(), *path) == paths.end()) {
      paths.push_back(std::move(*path));
    }
  }
  return good ? std::optional(std::move(paths)) : std::nullopt;
}

} // namespace

void Field::refuse(std::string_view expected, const std::string& found) const {
  problems.push_back(
      {value.where, fmt::format("{}: found {}, expected {}", key, found.empty() ? describe(value) : found, expected)});
}

void read_boolean(const Field& field, bool& target) {
  if (field.value.kind != Value::Kind::Boolean) {
    return field.refuse("true or false, without quotes");
  }
  target = field.value.boolean;
}

void read_whole_number(const Field& field, std::uint32_t& target, std::uint32_t lowest, std::uint32_t highest) {
  if (const auto number = whole_number(field, lowest, highest)) {
    target = static_cast<std::uint32_t>(*number);
  }
}

void read_whole_number(const Field& field, std::optional<int>& target, int lowest, int highest) {
  if (const auto number = whole_number(field, lowest, highest)) {
    target = static_cast<int>(*number);
  }
}

void read_duration(const Field& field, base::Duration& target, base::Duration lowest, base::Duration highest,
                   bool or_zero) {
  const std::string range = fmt::format("{}a duration from {} to {}", or_zero ? "\"0s\" or " : "",
                                        format_duration(lowest), format_duration(highest));
  if (const std::string number = bare_number(field.value); !number.empty()) {
    return field.refuse(fmt::format("{} with its unit; write \"{}ms\" or \"{}s\"", range, number, number));
  }
  if (field.value.kind != Value::Kind::String) {
    return field.refuse(range + " such as \"100ms\"");
  }
  const auto duration = parse_duration(field.value.text);
  if (!duration) {
    return field.refuse(range + ": a whole number and one of us, ms, s, m, h, d, such as \"100ms\"");
  }
  if ((*duration < lowest || *duration > highest) && !(or_zero && duration->count() == 0)) {
    return field.refuse(range);
  }
  target = *duration;
}

void read_size(const Field& field, std::uint64_t& target, std::uint64_t lowest, std::uint64_t highest, bool or_zero) {
  const std::string range =
      fmt::format("{}a size from {} to {}", or_zero ? "\"0B\" or " : "", format_size(lowest), format_size(highest));
  const auto too_small = [&](std::uint64_t bytes) { return bytes < lowest && !(or_zero && bytes == 0); };
  if (const std::string number = bare_number(field.value); !number.empty()) {
    const auto bytes = parse_size(number + "B");
    const std::string meant = bytes && !too_small(*bytes) ? format_size(*bytes) : number + "MiB";
    return field.refuse(fmt::format("{} with its unit; write \"{}\"", range, meant));
  }
  if (field.value.kind != Value::Kind::String) {
    return field.refuse(range + " such as \"64MiB\"");
  }
  const auto bytes = parse_size(field.value.text);
  if (!bytes) {
    return field.refuse(range + ": a whole number and one of B, KiB, MiB, GiB, such as \"64MiB\"");
  }
  if (too_small(*bytes) || *bytes > highest) {
    return field.refuse(range);
  }
  target = *bytes;
}

void read_text(const Field& field, std::string& target, std::string_view expected) {
  if (field.value.kind != Value::Kind::String) {
    return field.refuse(expected);
  }
  read_secret(field, target, expected);
}

void read_secret(const Field& field, std::string& target, std::string_view expected) {
  if (const std::string fault = text_fault(field.value); !fault.empty()) {
    return field.refuse(expected, fault);
  }
  target = field.value.text;
}

void read_choice(const Field& field, std::string& target, std::initializer_list<std::string_view> choices) {
  const bool known = field.value.kind == Value::Kind::String &&
                     std::find(choices.begin(), choices.end(), field.value.text) != choices.end();
  if (!known) {
    std::string list = choices.size() == 1 ? "" : "one of ";
    for (const std::string_view choice : choices) {
      list += fmt::format("{}\"{}\"", choice == *choices.begin() ? "" : ", ", choice);
    }
    return field.refuse(list);
  }
  target = field.value.text;
}

void read_identifier(const Field& field, std::string& target, bool may_have_schema, bool or_empty) {
  bool good = field.value.kind == Value::Kind::String;
  if (good && !(or_empty && field.value.text.empty())) {
    const std::string_view text = field.value.text;
    const std::size_t dot = may_have_schema ? text.find('.') : std::string_view::npos;
    good = is_identifier(text.substr(0, dot)) && (dot == std::string_view::npos || is_identifier(text.substr(dot + 1)));
  }
  if (!good) {
    return field.refuse(fmt::format("{} of letters, digits, _ and $ that begins with a letter or _, at most 63 bytes{}",
                                    may_have_schema ? "NAME or SCHEMA.NAME" : "a name",
                                    may_have_schema ? " each" : ""));
  }
  target = field.value.text;
}

void read_path(const Field& field, std::filesystem::path& target) {
  if (auto path = path_of(field, false)) {
    target = std::move(*path);
  }
}

void read_paths(const Field& field, std::vector<std::filesystem::path>& target) {
  if (auto paths = paths_of(field, false)) {
    target = std::move(*paths);
  }
}

void read_absolute_paths(const Field& field, std::vector<std::string>& target) {
  if (const auto paths = paths_of(field, true)) {
    target.clear();
    for (const auto& path : *paths) {
      target.push_back(path.string());
    }
  }
}

bool is_identifier(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !text.empty() && text.size() <= 63 && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '$'; });
}

std::filesystem::path normal_path(const std::filesystem::path& base, const std::filesystem::path& path) {
  const std::filesystem::path normal = (base / path).lexically_normal();
  return normal.has_filename() || !normal.has_relative_path() ? normal : normal.parent_path();
}

} // namespace projector::config
