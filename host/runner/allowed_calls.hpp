#pragma once

#include <span>

namespace projector::runner {

/// Names of system calls that every plugin may use with any argument. What is missing here is either decided by
/// argument, see syscall_filter.cpp, or not for plugins.
std::span<const char* const> calls_of_every_plugin() noexcept;
/// Those that change a file, a directory or a link by path.
std::span<const char* const> calls_that_change_paths() noexcept;
/// Those that EXTERNAL plugins may use on sockets, beside socket and socketpair.
std::span<const char* const> calls_on_sockets() noexcept;
/// Those that answer ENOSYS, since the libc then uses an older call, which the filter can judge: the arguments of
/// these lie in memory.
std::span<const char* const> calls_with_an_older_way() noexcept;

} // namespace projector::runner
