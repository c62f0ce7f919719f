#pragma once

#include "runner/crash_record.hpp"

namespace projector::runner {

using PassOnCrash = void (*)(const CrashRecord&) noexcept;

/// Makes the calling thread's crashes leave a record: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS and SIGTRAP.
/// Then the process dies by the same signal, so that its exit status tells it, and a core file shows the thread where
/// it crashed. Crashes of other threads leave one, too, but for an overflow of their stacks, since only the calling
/// thread gets a stack for the handler.
///
/// Called once, on the main thread, before the sandbox and before the plugin is loaded. `place` is zeroed and has to
/// stay mapped. `pass_on` is called with the complete record, in the signal handler. A plugin that sets a handler of
/// its own leaves no record. Throws std::system_error.
void install_crash_handler(CrashRecord& place, PassOnCrash pass_on = nullptr);

} // namespace projector::runner
