#include "config/toml_reader.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <tuple>

namespace projector::config {
namespace {

Location location(const toml::source_position& position, const std::string& file) {
  return {file, position.line, position.column};
}

Value convert(const toml::node& node, const std::string& file);

void convert_members(const toml::table& table, const std::string& file, std::vector<Member>& members) {
  for (const auto& [key, node] : table) {
    members.push_back({std::string(key.str()), location(key.source().begin, file), convert(node, file)});
  }
  // toml++ sorts by key.
  std::stable_sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
  });
}

Value convert(const toml::node& node, const std::string& file) {
  Value value;
  value.where = location(node.source().begin, file);
  if (const auto* string = node.as_string()) {
    value.kind = Value::Kind::String;
    value.text = string->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = Value::Kind::Integer;
    value.integer = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = Value::Kind::Number;
    value.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = Value::Kind::Boolean;
    value.boolean = boolean->get();
  } else if (const auto* array = node.as_array()) {
    value.kind = Value::Kind::Array;
    for (const toml::node& element : *array) {
      value.elements.push_back(convert(element, file));
    }
  } else if (const auto* table = node.as_table()) {
    value.kind = Value::Kind::Table;
    convert_members(*table, file, value.members);
  } else {
    value.kind = Value::Kind::Date;
    value.text = node.is_date() ? "a date" : node.is_time() ? "a time" : "a date and time";
  }
  return value;
}

/// toml++ quotes only a few characters of the input, except for a number that does not fit, which it quotes as a whole.
/// That could be a password without its quotes.
std::string explain(std::string_view description) {
  if (description.find("is not representable in 64 bits") != std::string_view::npos) {
    return "the number does not fit in 64 bits; write text in double quotes";
  }
  if (description.find("could not determine value type") != std::string_view::npos) {
    return "expected a value; write text, durations and sizes in double quotes";
  }
  if (description.find("control characters other than TAB") != std::string_view::npos) {
    return "found a line break or control character in a string; its closing quote may be missing";
  }
  std::string text(description);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  for (const std::string_view what : {"boolean", "floating-point", "integer", "date", "time"}) {
    const std::size_t at = text.find(what);
    if (at != std::string::npos && at < text.find(':')) {
      return text + "; write text, durations and sizes in double quotes";
    }
  }
  return text;
}

/// toml++ does not limit the nesting of dotted keys, and trees are traversed recursively.
bool nests_too_deep(std::string_view text) {
  constexpr int kMostDots = 500;
  int dots = 0;
  for (const char c : text) {
    if (c == '.') {
      if (++dots > kMostDots) {
        return true;
      }
    } else if (c == '\n' || c == '=' || c == ',' || c == '[' || c == '{') {
      dots = 0;
    }
  }
  return false;
}

} // namespace

Document parse_toml(std::string_view text, const std::string& file) {
  if (nests_too_deep(text)) {
    return {{}, Problem{{file}, "found more than 500 dots in one key or value, expected fewer"}};
  }
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    return {{}, Problem{location(result.error().source().begin, file), explain(result.error().description())}};
  }
  return {convert(result.table(), file), {}};
}

std::optional<Value> parse_toml_value(std::string_view text, const Location& where) {
  if (nests_too_deep(text)) {
    return std::nullopt;
  }
  // In brackets, so that a comment or a second line after the value is an error.
  const toml::parse_result result = toml::parse("value = [" + std::string(text) + "]");
  const toml::array* values = result ? result.table()["value"].as_array() : nullptr;
  if (values == nullptr || result.table().size() != 1 || values->size() != 1) {
    return std::nullopt;
  }
  Value value = convert((*values)[0], where.file);
  const auto place = [&](auto&& self, Value& at) -> void {
    at.where = where;
    for (Value& element : at.elements) {
      self(self, element);
    }
    for (Member& member : at.members) {
      member.where = where;
      self(self, member.value);
    }
  };
  place(place, value);
  return value;
}

} // namespace projector::config
