#pragma once

#include <projector/plugin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>

namespace projector {

/// Up to 64 names, such as event types; none means every one.
class Names {
public:
  static constexpr std::size_t kCapacity = 64;
  constexpr Names() noexcept = default;
  constexpr Names(std::initializer_list<const char*> names) {
    for (const char* const name : names) {
      if (size_ == kCapacity) {
        throw std::length_error("more than 64 names in a descriptor");
      }
      items_[size_++] = name;
    }
  }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  /// NULL-terminated; NULL if there is none.
  [[nodiscard]] constexpr const char* const* data() const noexcept { return size_ == 0 ? nullptr : items_.data(); }

private:
  std::array<const char*, kCapacity + 1> items_{};
  std::size_t size_ = 0;
};

enum class SettingType : std::int32_t {
  String = PROJECTOR_SETTING_STRING,
  Integer = PROJECTOR_SETTING_INTEGER,
  Number = PROJECTOR_SETTING_NUMBER,
  Boolean = PROJECTOR_SETTING_BOOLEAN,
  Strings = PROJECTOR_SETTING_STRINGS,
  Duration = PROJECTOR_SETTING_DURATION, ///< "250ms"
  Size = PROJECTOR_SETTING_SIZE,         ///< "64MiB"
};

/// One key that the projection accepts in its [settings]; the host refuses all others, and values of another type.
struct Setting {
  const char* key = nullptr;
  SettingType type = SettingType::String;
  const char* default_value = nullptr; ///< as in the file, without quotes; null: required, unless optional
  const char* description = "";        ///< one line, for people
  bool optional = false;               ///< without a default it may be absent
  bool secret = false;                 ///< never shown in a log, status or error
};

/// Up to 64 settings.
class Settings {
public:
  static constexpr std::size_t kCapacity = 64;
  constexpr Settings() noexcept = default;
  constexpr Settings(std::initializer_list<Setting> settings) {
    for (const Setting& setting : settings) {
      if (size_ == kCapacity) {
        throw std::length_error("more than 64 settings in a descriptor");
      }
      items_[size_++] = setting;
    }
  }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr const Setting& operator[](std::size_t i) const noexcept { return items_[i]; }

private:
  std::array<Setting, kCapacity> items_{};
  std::size_t size_ = 0;
};

/// The description of a plugin. A projection class has it as a public `static constexpr projector::Descriptor
/// kDescriptor{..}`.
struct Descriptor {
  const char* name = nullptr;           ///< the file's name without .so: [a-z][a-z0-9_]{0,47}
  const char* version = "";             ///< for people
  const char* description = "";         ///< one line, for people
  std::uint32_t read_model_version = 1; ///< raise it when the read model must be rebuilt from the first event
  Names event_types{};
  Names aggregate_types{};
  Names bounded_contexts{};
  Settings settings{};
  std::uint32_t min_host_minor = 0; ///< oldest PROJECTOR_ABI_MINOR of a host on which it works
  /// The names of all its tables begin with Context::projection_name(), so that several projections can use it in
  /// one schema. If this is false, the host refuses a second one there.
  bool tables_by_projection = false;
};

namespace detail {

constexpr bool is_plugin_name(const char* name) noexcept {
  if (name == nullptr || name[0] < 'a' || name[0] > 'z') {
    return false;
  }
  std::size_t size = 0;
  for (; name[size] != '\0'; ++size) {
    const char c = name[size];
    if (size == 48 || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
      return false;
    }
  }
  return true;
}

using SettingSpecs = std::array<projector_setting_spec, Settings::kCapacity>;
using SettingPointers = std::array<const projector_setting_spec*, Settings::kCapacity + 1>;

constexpr SettingSpecs setting_specs(const Settings& settings) noexcept {
  SettingSpecs specs{};
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    const std::uint32_t flags =
        (setting.optional ? PROJECTOR_SETTING_OPTIONAL : 0u) | (setting.secret ? PROJECTOR_SETTING_SECRET : 0u);
    specs[i] = projector_setting_spec{sizeof(projector_setting_spec),
                                      static_cast<std::int32_t>(setting.type),
                                      setting.key,
                                      setting.default_value,
                                      setting.description,
                                      flags,
                                      0};
  }
  return specs;
}

constexpr SettingPointers setting_pointers(const SettingSpecs& specs, std::size_t count) noexcept {
  SettingPointers pointers{};
  for (std::size_t i = 0; i < count; ++i) {
    pointers[i] = &specs[i];
  }
  return pointers;
}

} // namespace detail

} // namespace projector
