#include "config/override_layers.hpp"

#include "config/toml_reader.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace projector::config {
namespace {

/// An integer if `text` is one, so that messages read as for a value in a file; else the text.
Value number_or_text(const std::string& text, const Location& where) {
  Value value = string_value(text, where);
  const char* end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data(), end, value.integer); error == std::errc{} && at == end) {
    value.kind = Value::Kind::Integer;
  }
  return value;
}

Value single(const std::vector<std::string>& path, Value value) {
  Value root;
  root.where = value.where;
  Value& target = make_path(root, path, value.where);
  target = std::move(value);
  return root;
}

/// The parts of SECTION.KEY; none if a part is empty or there are fewer than two.
std::vector<std::string> split(std::string_view key) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t dot = key.find('.');
    if (dot == 0 || key.empty()) {
      return {};
    }
    parts.emplace_back(key.substr(0, dot));
    if (dot == std::string_view::npos) {
      return parts.size() < 2 ? std::vector<std::string>() : parts;
    }
    key.remove_prefix(dot + 1);
  }
}

std::optional<Value> set_layer(std::string_view option, Problems& problems) {
  const Location where{"--set"};
  constexpr std::string_view kExpected = "expected SECTION.KEY=VALUE, such as log.level=debug";
  const auto key_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || (c >= 'A' && c <= 'Z');
  };
  const auto end = std::find_if_not(option.begin(), option.end(), key_character);
  const std::string_view key = option.substr(0, static_cast<std::size_t>(end - option.begin()));
  if (end == option.end() || *end != '=') {
    problems.push_back({where, fmt::format("found {} without \"=\", {}", quote(key), kExpected)});
    return std::nullopt;
  }
  const auto path = split(key);
  if (path.empty()) {
    problems.push_back({where, fmt::format("found the key {}, {}", quote(key), kExpected)});
    return std::nullopt;
  }
  const std::string_view text = option.substr(key.size() + 1);
  auto value = parse_toml_value(text, where);
  return single(path, value ? std::move(*value) : string_value(std::string(text), where));
}

} // namespace

std::optional<std::string> variable(const Overrides& overrides, const std::string& name) {
  const auto found = overrides.environment.find(name);
  return found == overrides.environment.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
}

Value environment_layer(const Overrides& overrides) {
  Value root;
  const auto put = [&](const char* name, const std::vector<std::string>& path, bool number) {
    if (const auto text = variable(overrides, name)) {
      const Location where{name};
      make_path(root, path, where) = number ? number_or_text(*text, where) : string_value(*text, where);
    }
  };
  put("PROJECTORD_DSN", {"event_store", "dsn"}, false);
  put("WORKER_ID", {"worker", "id"}, true);
  put("TOTAL_WORKERS", {"worker", "total"}, true);
  return root;
}

std::vector<Value> option_layers(const Overrides& overrides, Problems& problems) {
  std::vector<Value> layers;
  for (const std::string& option : overrides.set) {
    if (auto layer = set_layer(option, problems)) {
      layers.push_back(std::move(*layer));
    }
  }
  if (overrides.worker_id) {
    layers.push_back(single({"worker", "id"}, number_or_text(*overrides.worker_id, {"--worker-id"})));
  }
  if (overrides.total_workers) {
    layers.push_back(single({"worker", "total"}, number_or_text(*overrides.total_workers, {"--total-workers"})));
  }
  return layers;
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos && equals > 0) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

} // namespace projector::config
