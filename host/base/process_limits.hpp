#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace projector::base {

/// Raises the soft limit of open descriptors to the hard one. A process that selects by descriptor number must not.
void raise_descriptor_limit() noexcept;

struct DescriptorLimits {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
DescriptorLimits descriptor_limits() noexcept;
/// How many descriptors this process has open; nothing where /proc does not tell, e.g. since there is none left to read
/// it with.
std::optional<std::uint64_t> open_descriptors() noexcept;

/// The limits that keep a process from starting a thread, for people: "4096 threads of this user (ulimit -u), .."
std::string thread_limits();

} // namespace projector::base
