#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace projector::runner {

/// The newest ABI of Landlock that this code uses.
constexpr int kNewestLandlockAbi = 7;

/// The kernel's ABI of Landlock, at most kNewestLandlockAbi; else a negative errno: ENOSYS for a kernel without it,
/// EOPNOTSUPP if it is off at boot, EPERM if a filter of system calls forbids it.
int landlock_abi() noexcept;

/// What an ABI lets a process give up, as bits of the kernel's interface.
struct LandlockRights {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scopes = 0;
};
/// `sockets`: the network and other processes' sockets stay reachable.
LandlockRights landlock_rights(int abi, bool sockets) noexcept;

struct LandlockRules {
  bool sockets = false;
  std::vector<std::string> readable; ///< read, list, execute
  std::vector<std::string> writable; ///< everything but executing, and making device files
  std::vector<std::string> optional; ///< as `readable`, but may be absent
  std::vector<std::string> devices;  ///< read and written; may be absent
};

/// Limits the calling thread, and those that it starts later, to `rules`, by the rights that `abi` knows. The thread
/// must have no_new_privs. Returns 0, or the errno with which the kernel refused. Throws std::system_error if a path
/// cannot be opened; then nothing has changed.
int restrict_to(const LandlockRules& rules, int abi);

} // namespace projector::runner
