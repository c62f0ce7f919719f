#pragma once

namespace projector::base {

/// Where the kernel has no Landlock for this process, or a container forbids it, the sandbox of plugins' processes does
/// not keep them from opening this process's memory in /proc. Then this process becomes one that is not dumpable: other
/// processes of its user cannot open its memory, and it leaves no core file. Returns whether that was done. To be
/// called before the first plugin is loaded.
bool protect_memory_from_plugins() noexcept;

} // namespace projector::base
