#include "config/settings_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace projector::config {
namespace {

constexpr std::size_t kMostSettings = 1000;
constexpr std::size_t kMostKeyBytes = 200;

Setting convert(std::string key, const Value& value) {
  Setting setting;
  setting.key = std::move(key);
  setting.where = value.where;
  switch (value.kind) {
  case Value::Kind::String:
    setting.type = Setting::Type::String;
    break;
  case Value::Kind::Integer:
    setting.type = Setting::Type::Integer;
    break;
  case Value::Kind::Number:
    setting.type = Setting::Type::Number;
    break;
  case Value::Kind::Boolean:
    setting.type = Setting::Type::Boolean;
    break;
  default: {
    const auto string = [](const Value& e) { return e.kind == Value::Kind::String; };
    const bool strings =
        value.kind == Value::Kind::Array && std::all_of(value.elements.begin(), value.elements.end(), string);
    setting.type = strings ? Setting::Type::StringArray : Setting::Type::Other;
    for (const Value& element : value.elements) {
      if (strings) {
        setting.values.push_back(element.text);
      }
    }
    setting.found = strings ? "" : describe_kind(value);
    return setting;
  }
  }
  setting.values.push_back(text_of(value));
  return setting;
}

/// The keys of sub-tables become dotted keys.
void flatten(const Field& field, const Value& table, const std::string& prefix, std::vector<Setting>& settings) {
  for (const Member& member : table.members) {
    std::string key = prefix + member.key;
    if (member.value.kind == Value::Kind::Table) {
      flatten(field, member.value, key + ".", settings);
      continue;
    }
    if (key.empty() || key.size() > kMostKeyBytes || key.find('\0') != std::string::npos) {
      field.problems.push_back({member.where, fmt::format("{}: found the key {}, expected 1 to {} bytes without a NUL",
                                                          field.key, quote(member.key), kMostKeyBytes)});
      continue;
    }
    Setting setting = convert(std::move(key), member.value);
    const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
    if (std::any_of(setting.values.begin(), setting.values.end(), has_nul)) {
      field.problems.push_back(
          {setting.where, fmt::format("{}: found a NUL character in the value of {}, expected text "
                                      "without one",
                                      field.key, quote(member.key))});
    }
    settings.push_back(std::move(setting));
  }
}

} // namespace

void read_settings(const Field& field, std::vector<Setting>& settings) {
  if (field.value.kind != Value::Kind::Table) {
    return field.refuse(fmt::format("a table [{}]", field.key), describe_kind(field.value));
  }
  std::vector<Setting> given;
  flatten(field, field.value, "", given);
  const auto by_key = [](const Setting& a, const Setting& b) { return a.key < b.key; };
  std::stable_sort(given.begin(), given.end(), by_key);
  const auto twice = std::adjacent_find(given.begin(), given.end(), [](const Setting& a, const Setting& b) {
    return a.key == b.key; // e.g. "a.b" in quotes and b in a table a
  });
  if (twice != given.end()) {
    field.problems.push_back(
        {(twice + 1)->where, fmt::format("{}: found {} twice, expected it once; the other is at {}", field.key,
                                         quote(twice->key), to_string(twice->where))});
  }
  std::vector<Setting> merged;
  // Of equal elements, set_union takes the first range's.
  std::set_union(given.begin(), given.end(), settings.begin(), settings.end(), std::back_inserter(merged), by_key);
  if (merged.size() > kMostSettings) {
    return field.refuse(fmt::format("at most {}", kMostSettings), fmt::format("{} settings", merged.size()));
  }
  settings = std::move(merged);
}

} // namespace projector::config
