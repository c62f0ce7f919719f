#pragma once

#include "channel/writer.hpp"
#include "plugin/facts.hpp"

#include <string_view>

namespace projector::plugin {

/// Appends facts as a runner sends them, as one whole message.
void write_facts(channel::Writer& writer, const Facts& facts);
/// Facts as the host receives them, not judged yet. Throws channel::Malformed.
Facts read_facts(std::string_view message);

} // namespace projector::plugin
