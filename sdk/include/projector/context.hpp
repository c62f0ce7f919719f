#pragma once

#include <projector/outcomes.hpp>
#include <projector/plugin.h>
#include <projector/rows.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace projector {

enum class LogLevel : std::int32_t {
  Debug = PROJECTOR_LOG_DEBUG,
  Info = PROJECTOR_LOG_INFO,
  Warn = PROJECTOR_LOG_WARN,
  Error = PROJECTOR_LOG_ERROR,
};

namespace detail {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

} // namespace detail

/// An instance's name and partition, its settings and its log. Cheap to copy; what it returns is valid until the
/// projection is destroyed.
class Context {
public:
  Context(const projector_host* host, const projector_config* config) noexcept : host_(host), config_(config) {}

  /// Begin the names of your tables with it if several projections may use this plugin, and set
  /// Descriptor::tables_by_projection.
  [[nodiscard]] std::string_view projection_name() const noexcept { return config_->projection_name; }
  /// 0 to total_partitions() - 1.
  [[nodiscard]] std::uint32_t partition() const noexcept { return config_->partition_key; }
  [[nodiscard]] std::uint32_t total_partitions() const noexcept { return config_->total_partitions; }
  /// An absolute path, writable, only for this projection and shared by its partitions; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> state_directory() const noexcept {
    return config_->state_directory == nullptr ? std::nullopt
                                               : std::optional<std::string_view>(config_->state_directory);
  }

  /// The setting as T: std::string, std::string_view, bool, numbers (a SIZE in bytes), std::chrono::microseconds (a
  /// DURATION), std::vector for STRINGS, std::optional if it may be absent. Throws Fatal if it is absent or no T.
  template <class T>
  [[nodiscard]] T setting(std::string_view key) const {
    if constexpr (detail::IsVector<T>::value) {
      T values;
      for (std::size_t i = 0; i < config_->n_settings; ++i) {
        if (key == config_->settings[i].key) {
          values.push_back(parse_setting<typename T::value_type>(key, config_->settings[i].value));
        }
      }
      return values;
    } else if constexpr (detail::IsOptional<T>::value) {
      const auto text = find_setting(key);
      return text ? T(parse_setting<typename T::value_type>(key, *text)) : T();
    } else {
      const auto text = find_setting(key);
      if (!text) {
        throw Fatal("setting '" + std::string(key) +
                    "' is absent: declare it with a default, or read it as std::optional");
      }
      return parse_setting<T>(key, *text);
    }
  }
  /// Its first value as text, or nothing if it is absent.
  [[nodiscard]] std::optional<std::string_view> find_setting(std::string_view key) const noexcept {
    for (std::size_t i = 0; i < config_->n_settings; ++i) {
      if (key == config_->settings[i].key) {
        return config_->settings[i].value;
      }
    }
    return std::nullopt;
  }

  /// Any thread.
  void log(LogLevel level, std::string_view text) const noexcept {
    host_->log(host_->ctx, static_cast<std::int32_t>(level),
               projector_str{text.data() == nullptr ? "" : text.data(), text.size()});
  }
  /// Whether the host wants the running call to return soon; throw Retry then. Any thread.
  [[nodiscard]] bool stopping() const noexcept { return host_->stopping(host_->ctx) != 0; }
  /// An extension of the host beyond the contract, by "name/revision"; null if the host has none. Any thread.
  [[nodiscard]] const void* extension(const char* id) const noexcept { return host_->get_extension(host_->ctx, id); }

  [[nodiscard]] const projector_host* host() const noexcept { return host_; }

private:
  template <class T>
  static T parse_setting(std::string_view key, std::string_view text) {
    if constexpr (std::is_same<T, std::chrono::microseconds>::value) {
      return std::chrono::microseconds(parse_setting<std::int64_t>(key, text));
    } else {
      auto value = detail::parse<T>(text);
      if (!value) {
        throw Fatal("setting '" + std::string(key) + "' is not " + detail::describe<T>() +
                    ": declare the type that the plugin reads");
      }
      return *std::move(value);
    }
  }

  const projector_host* host_;
  const projector_config* config_;
};

} // namespace projector
