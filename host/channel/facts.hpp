#pragma once

#include "channel/writer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::channel {

/// A plugin's descriptor, word for word, as the runner found it: the host has checked none of it. A text or a list that
/// is NULL there is nothing here, and fields that the plugin does not have are 0 or nothing.
struct Facts {
  /// Bits of `functions`.
  static constexpr std::uint32_t kCreate = 1U << 0U;
  static constexpr std::uint32_t kDestroy = 1U << 1U;
  static constexpr std::uint32_t kSetup = 1U << 2U;
  static constexpr std::uint32_t kHandle = 1U << 3U;
  static constexpr std::uint32_t kFinished = 1U << 4U;
  static constexpr std::uint32_t kReset = 1U << 5U;
  static constexpr std::uint32_t kGetExtension = 1U << 6U;

  using Filter = std::optional<std::vector<std::string>>; ///< nothing: all

  struct Setting {
    std::uint32_t struct_size = 0;
    std::int32_t type = 0;
    std::uint32_t flags = 0;
    std::uint32_t reserved = 0;
    std::optional<std::string> key = std::nullopt;
    std::optional<std::string> default_value = std::nullopt;
    std::optional<std::string> description = std::nullopt;
    friend bool operator==(const Setting&, const Setting&) = default;
  };

  std::uint32_t struct_size = 0;
  std::uint32_t abi_minor = 0;
  std::uint32_t min_host_minor = 0;
  std::uint32_t flags = 0;
  std::uint32_t read_model_version = 0;
  std::uint32_t reserved = 0;
  std::uint32_t functions = 0; ///< those that are not NULL
  std::optional<std::string> name = std::nullopt;
  std::optional<std::string> version = std::nullopt;
  std::optional<std::string> description = std::nullopt;
  Filter event_types = std::nullopt;
  Filter aggregate_types = std::nullopt;
  Filter bounded_contexts = std::nullopt;
  std::vector<Setting> settings = {};

  friend bool operator==(const Facts&, const Facts&) = default;
};

void write_facts(Writer& writer, const Facts& facts);
/// Throws Malformed.
Facts read_facts(std::string_view message);

} // namespace projector::channel
