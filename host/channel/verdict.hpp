#pragma once

#include "channel/reader.hpp"
#include "channel/writer.hpp"

#include <projector/plugin.h>

#include <cstdint>
#include <string_view>

namespace projector::channel {

/// The host's on statements, or the plugin's on a call. From a runner, each field may be anything.
struct Verdict {
  projector_status status = PROJECTOR_OK;
  std::uint32_t event_index = PROJECTOR_NO_EVENT;
  std::string_view text = {}; ///< borrowed: from the message, if it was read

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

inline void write_verdict(Writer& writer, const Verdict& verdict) {
  writer.i32(verdict.status);
  writer.u32(verdict.event_index);
  writer.bytes(verdict.text);
}

/// Takes what write_verdict wrote, to the end of the message. Throws Malformed.
inline Verdict read_verdict(Reader& reader) {
  Verdict verdict;
  verdict.status = reader.i32("the verdict's status");
  verdict.event_index = reader.u32("the verdict's event index");
  verdict.text = reader.bytes("the verdict's text");
  reader.end();
  return verdict;
}

} // namespace projector::channel
