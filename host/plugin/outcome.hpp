#pragma once

#include <projector/plugin.h>

#include <cstdint>
#include <string>

namespace projector::plugin {

/// The result of a call into a plugin.
struct Outcome {
  projector_status status = PROJECTOR_OK; ///< one of the four; an unknown one has become FATAL
  std::string text;                       ///< the plugin's message, valid UTF-8, bounded
  std::uint32_t event_index = PROJECTOR_NO_EVENT;
  [[nodiscard]] bool ok() const noexcept { return status == PROJECTOR_OK; }
};

} // namespace projector::plugin
