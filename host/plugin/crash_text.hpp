#pragma once

#include "channel/crash.hpp"

#include <string>

namespace projector::plugin {

/// Where a runner crashed, to follow its exit status: " at revenue.so+0x1170, address 0x8", or " at 0x7f31c0de, outside
/// revenue.so, address 0x8" if the instruction is not the plugin's. Empty for a signal that was sent, e.g. by abort().
/// No number in the record can make this fail.
std::string crash_text(const channel::Crash& crash, const std::string& plugin);

} // namespace projector::plugin
