#pragma once

#include "channel/facts.hpp"
#include "plugin/facts.hpp"

namespace projector::plugin {

/// Facts as a runner sends them.
channel::Facts to_message(const Facts& facts);
/// Facts as the host receives them, not judged yet.
Facts from_message(const channel::Facts& message);

} // namespace projector::plugin
