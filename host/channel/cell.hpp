#pragma once

#include "channel/reader.hpp"
#include "channel/writer.hpp"

#include <projector/plugin.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace projector::channel {

/// The fewest bytes of one value in a message.
inline constexpr std::size_t kLeastCell = 8;

/// One parameter of a statement, or one cell of a row. `binary` arrives as 0 or 1.
inline void write_cell(Writer& writer, const projector_value& value) {
  writer.u32((value.binary != 0 ? 1U : 0U) | (value.data == nullptr ? 2U : 0U));
  writer.u32(value.oid);
  if (value.data != nullptr) {
    writer.bytes({value.data, value.size});
  }
}

/// The data lies in the message. Throws Malformed.
inline projector_value read_cell(Reader& reader) {
  const std::uint32_t form = reader.below(4, "a value's form");
  projector_value value = {};
  value.binary = static_cast<std::int32_t>(form & 1U);
  value.oid = reader.u32("a value's type");
  if ((form & 2U) == 0) {
    const std::string_view data = reader.bytes("a value's data");
    value.data = data.data();
    value.size = data.size();
  }
  return value;
}

} // namespace projector::channel
