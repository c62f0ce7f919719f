#pragma once

#include "channel/crash.hpp"

namespace projector::runner {

using PassOnCrash = void (*)(const channel::Crash&) noexcept;

/// Passes crashes of this process on: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS and SIGTRAP.
/// Then the process dies by the same signal, so that its exit status tells it, and a core file shows the thread where
/// it crashed. Only an overflow of the stack of another thread is not passed on, since only the calling thread gets a
/// stack for the handler.
///
/// Called once, on the main thread, before the sandbox and before the plugin is loaded. `pass_on` is called in the
/// signal handler, for the first crash only, without plugin_offset. A plugin that sets a handler of its own prevents
/// that. Throws std::system_error.
void install_crash_handler(PassOnCrash pass_on);

} // namespace projector::runner
