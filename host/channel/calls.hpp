#pragma once

#include "channel/writer.hpp"

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projector::channel {

/// What became of the batch before. It goes with the next call, so that it costs no turn of its own.
enum class Finished : std::uint32_t { None, RolledBack, Committed };

/// What projector_config tells a plugin.
struct Create {
  struct Setting {
    std::string key;
    std::string value;
    friend bool operator==(const Setting&, const Setting&) = default;
  };
  std::string projection_name;
  std::uint32_t partition_key = 0;
  std::uint32_t total_partitions = 1;
  std::vector<Setting> settings = {};
  std::optional<std::string> state_directory = std::nullopt; ///< none: NULL

  friend bool operator==(const Create&, const Create&) = default;
};

/// What projector_batch tells a plugin. The events are not in the message: host and runner have them in memory at the
/// same addresses.
struct Handle {
  std::uint32_t flags = 0;
  std::uint32_t attempt = 1;
  std::int64_t head_position = 0;
  bool transaction = true; ///< false: the plugin gets tx == NULL
  Finished finished = Finished::None;
  std::vector<const projector_event*> events = {};

  friend bool operator==(const Handle&, const Handle&) = default;
};

/// Each writer appends one whole message; each reader takes one whole message apart and throws Malformed for anything
/// else.
void write_create(Writer& writer, const Create& create);
Create read_create(std::string_view message);

/// Does not use handle.events, so that the events need not be copied: they are these.
void write_handle(Writer& writer, const Handle& handle, const projector_event* const* events, std::size_t n_events);
/// Fills `into`, whose list is used again.
void read_handle(std::string_view message, Handle& into);

/// The whole of Reset, Finished and Destroy.
void write_finished(Writer& writer, Finished finished);
Finished read_finished(std::string_view message);

} // namespace projector::channel
