#pragma once

#include "config/configuration.hpp"
#include "plugin/facts.hpp"

#include <string>
#include <vector>

namespace projector::plugin {

/// A projection's settings as its plugin receives them: every declared key, defaults filled in.
class Settings {
public:
  struct Entry {
    std::string key;
    std::string value;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  Settings() = default;
  explicit Settings(std::vector<Entry> entries) : entries_(std::move(entries)) {}
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

private:
  std::vector<Entry> entries_;
};

struct CheckedSettings {
  Settings settings;
  std::vector<config::Problem> problems; ///< empty: settings are good
};
/// Compares a projection's settings with those that its plugin declares, which judge() has accepted. A problem names
/// file, line, key, what was found and expected, and the declared key nearest to an unknown one; never a SECRET's
/// value. Its place is the projection's if it has no line of its own, since a required key is absent.
CheckedSettings check_settings(const std::vector<SettingSpec>& declared, const config::Projection& projection);

} // namespace projector::plugin
