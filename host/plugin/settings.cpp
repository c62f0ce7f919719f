#include "plugin/settings.hpp"

#include "base/clean_text.hpp"
#include "config/unknown_key.hpp"
#include "plugin/setting_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace projector::plugin {

namespace {

using Type = config::Setting::Type;

/// Compares one projection's settings with the declaration, key by key.
class SettingsCheck {
public:
  SettingsCheck(const std::vector<SettingSpec>& declared, const config::Projection& projection)
      : declared_(declared), projection_(projection) {}

  CheckedSettings run() && {
    check_unknown_and_repeated();
    for (const SettingSpec& spec : declared_) {
      check(spec);
    }
    return {Settings(std::move(entries_)), std::move(problems_)};
  }

private:
  [[nodiscard]] std::string key_text(std::string_view key) const {
    return fmt::format("[projection.{}.settings] {}", projection_.name, base::clean_text(key, 160));
  }

  void check_unknown_and_repeated() {
    std::set<std::string_view> seen;
    for (const config::Setting& setting : projection_.settings) {
      const auto same = [&](const SettingSpec& spec) { return setting.key == spec.key; };
      if (std::none_of(declared_.begin(), declared_.end(), same)) {
        problems_.push_back({setting.where, unknown_text(setting.key)});
      } else if (!seen.insert(setting.key).second) {
        problems_.push_back({setting.where, key_text(setting.key) + ": it is given twice, expected once"});
      }
    }
  }

  [[nodiscard]] std::string unknown_text(const std::string& key) const {
    const std::string found = key_text(key) + fmt::format(": the plugin {} has no such setting", projection_.plugin);
    if (declared_.empty()) {
      return found + ", it has none at all: remove it";
    }
    std::vector<std::string_view> keys;
    for (const SettingSpec& spec : declared_) {
      keys.emplace_back(spec.key);
    }
    if (const auto nearest = config::nearest(key, keys)) {
      return found + fmt::format("; did you mean {}?", *nearest);
    }
    return found + fmt::format("; it has {}", fmt::join(keys, ", "));
  }

  void check(const SettingSpec& spec) {
    const auto setting = std::find_if(projection_.settings.begin(), projection_.settings.end(),
                                      [&](const config::Setting& s) { return s.key == spec.key; });
    if (setting != projection_.settings.end()) {
      take(spec, *setting);
    } else if (!spec.default_value && !spec.optional()) {
      problems_.push_back(
          {projection_.where, key_text(spec.key) + fmt::format(" is absent, but the plugin {} requires it: "
                                                               "expected {}",
                                                               projection_.plugin, expected_value(spec.type))});
    } else if (spec.default_value && spec.type != PROJECTOR_SETTING_STRINGS) {
      entries_.push_back({spec.key, setting_value(spec.type, *spec.default_value).value()});
    }
  }

  void take(const SettingSpec& spec, const config::Setting& setting) {
    const std::size_t before = entries_.size();
    bool good = type_fits(spec.type, setting.type);
    for (std::size_t i = 0; good && i < setting.values.size(); ++i) {
      // A string reaches the plugin with a NUL byte as its end.
      auto value = setting.values[i].find('\0') != std::string::npos ? std::nullopt
                   : spec.type == PROJECTOR_SETTING_DURATION || spec.type == PROJECTOR_SETTING_SIZE
                       ? setting_value(spec.type, setting.values[i])
                       : std::optional(setting.values[i]);
      good = value.has_value();
      if (good) {
        entries_.push_back({spec.key, std::move(*value)});
      }
    }
    if (!good) {
      entries_.resize(before);
      problems_.push_back(
          {setting.where, key_text(spec.key) +
                              fmt::format(": found {}, expected {}", found(spec, setting), expected_value(spec.type))});
    }
  }

  static bool type_fits(std::int32_t declared, Type type) {
    switch (declared) {
    case PROJECTOR_SETTING_INTEGER:
      return type == Type::Integer;
    case PROJECTOR_SETTING_NUMBER:
      return type == Type::Number || type == Type::Integer;
    case PROJECTOR_SETTING_BOOLEAN:
      return type == Type::Boolean;
    case PROJECTOR_SETTING_STRINGS:
      return type == Type::StringArray;
    default:
      return type == Type::String;
    }
  }

  static std::string found(const SettingSpec& spec, const config::Setting& setting) {
    const bool hidden = spec.secret() || setting.values.empty();
    const std::string value = hidden ? "" : " " + base::clean_text(setting.values.front(), 80);
    const auto nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
    if (std::any_of(setting.values.begin(), setting.values.end(), nul)) {
      return "text with a NUL character";
    }
    switch (setting.type) {
    case Type::String:
      return hidden ? "a string" : "\"" + value.substr(1) + "\"";
    case Type::Integer:
      return hidden ? "an integer" : "the integer" + value;
    case Type::Number:
      return hidden ? "a number" : "the number" + value;
    case Type::Boolean:
      return hidden ? "a boolean" : value.substr(1);
    case Type::StringArray:
      return "an array of strings";
    default:
      return setting.found;
    }
  }

  const std::vector<SettingSpec>& declared_;
  const config::Projection& projection_;
  std::vector<Settings::Entry> entries_;
  std::vector<config::Problem> problems_;
};

} // namespace

CheckedSettings check_settings(const std::vector<SettingSpec>& declared, const config::Projection& projection) {
  return SettingsCheck(declared, projection).run();
}

} // namespace projector::plugin
