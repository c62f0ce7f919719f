#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace projector::base {

/// Raises the soft limit of open descriptors to the hard one. Not for a process that calls select().
void raise_descriptor_limit() noexcept;

struct DescriptorLimits {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};
DescriptorLimits descriptor_limits() noexcept;
/// How many descriptors this process has open; nothing if /proc cannot be read, e.g. because no descriptor is left for
/// that.
std::optional<std::uint64_t> open_descriptors() noexcept;

/// The limits that keep a process from starting a thread, as text: "4096 threads of this user (ulimit -u), .."
std::string thread_limits();

} // namespace projector::base
