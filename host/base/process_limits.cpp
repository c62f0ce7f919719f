#include "base/process_limits.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>
#include <system_error>

namespace projector::base {
namespace {

std::string number_or_unlimited(rlim_t value, rlim_t unit) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value / unit);
}

} // namespace

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

DescriptorLimits descriptor_limits() noexcept {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return {limit.rlim_cur, limit.rlim_max};
}

std::optional<std::uint64_t> open_descriptors() noexcept {
  try {
    std::error_code error;
    std::filesystem::directory_iterator entries("/proc/self/fd", error);
    std::uint64_t count = 0;
    for (const std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
      ++count;
    }
    return error || count == 0 ? std::nullopt : std::optional(count - 1); // without the descriptor of this directory
  } catch (...) {
    return std::nullopt;
  }
}

std::string thread_limits() {
  rlimit threads{};
  rlimit space{};
  ::getrlimit(RLIMIT_NPROC, &threads);
  ::getrlimit(RLIMIT_AS, &space);
  return fmt::format("{} threads of this user (ulimit -u), {} KiB of address space (ulimit -v)",
                     number_or_unlimited(threads.rlim_cur, 1), number_or_unlimited(space.rlim_cur, 1024));
}

} // namespace projector::base
