#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace projector::config {
namespace {

constexpr std::size_t kQuotedBytes = 60;

std::string describe_array(const std::vector<Value>& elements) {
  if (elements.empty()) {
    return "an empty array";
  }
  const auto kind = elements.front().kind;
  if (!std::all_of(elements.begin(), elements.end(), [&](const Value& e) { return e.kind == kind; })) {
    return "an array of different types";
  }
  switch (kind) {
  case Value::Kind::String:
    return "an array of strings";
  case Value::Kind::Integer:
    return "an array of integers";
  case Value::Kind::Number:
    return "an array of numbers";
  case Value::Kind::Boolean:
    return "an array of booleans";
  case Value::Kind::Date:
    return "an array of dates";
  case Value::Kind::Array:
    return "an array of arrays";
  case Value::Kind::Table:
    return "an array of tables";
  }
  return "an array";
}

} // namespace

Value string_value(std::string text, Location where) {
  Value value;
  value.kind = Value::Kind::String;
  value.text = std::move(text);
  value.where = std::move(where);
  return value;
}

const Value* find(const Value& table, std::string_view key) {
  for (const Member& member : table.members) {
    if (member.key == key) {
      return &member.value;
    }
  }
  return nullptr;
}

Value& make_path(Value& root, const std::vector<std::string>& path, const Location& where) {
  Value* at = &root;
  for (const std::string& key : path) {
    auto member = std::find_if(at->members.begin(), at->members.end(), [&](const Member& m) { return m.key == key; });
    if (member == at->members.end()) {
      Value table;
      table.where = where;
      member = at->members.insert(member, Member{key, where, std::move(table)});
    }
    at = &member->value;
  }
  return *at;
}

std::string text_of(const Value& value) {
  switch (value.kind) {
  case Value::Kind::Integer:
    return std::to_string(value.integer);
  case Value::Kind::Number: {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value.number).ptr};
  }
  case Value::Kind::Boolean:
    return value.boolean ? "true" : "false";
  default:
    return value.text;
  }
}

std::string describe_kind(const Value& value) {
  switch (value.kind) {
  case Value::Kind::String:
    return "a string";
  case Value::Kind::Integer:
    return "an integer";
  case Value::Kind::Number:
    return "a number";
  case Value::Kind::Boolean:
    return "a boolean";
  case Value::Kind::Date:
    return value.text;
  case Value::Kind::Array:
    return describe_array(value.elements);
  case Value::Kind::Table:
    return "a table";
  }
  return {};
}

std::string describe(const Value& value) {
  switch (value.kind) {
  case Value::Kind::String:
    return "the string " + quote(value.text);
  case Value::Kind::Integer:
    return "the integer " + text_of(value);
  case Value::Kind::Number:
    return "the number " + text_of(value);
  case Value::Kind::Boolean:
    return text_of(value);
  default:
    return describe_kind(value);
  }
}

std::string quote(std::string_view text) {
  std::string result = "\"";
  std::size_t end = std::min(text.size(), kQuotedBytes);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end; // not within a UTF-8 sequence
  }
  for (const char c : text.substr(0, end)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + (end < text.size() ? "..\"" : "\"");
}

} // namespace projector::config
