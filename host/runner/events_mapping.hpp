#pragma once

#include <cstddef>
#include <cstdint>

namespace projector::runner {

/// Maps the host's memory of events, for reading only, at the address that it has in the host, until the process ends.
/// `fd` is borrowed; close it before a plugin is loaded. Throws std::system_error, also if something else lies there.
void map_events(int fd, std::uintptr_t address, std::size_t size);

} // namespace projector::runner
