#pragma once

#include <cstdint>
#include <cstdlib>

namespace projector::test {

/// The size of a test: `full` if PROJECTOR_TEST_LONG is set, as by `./dev test --long`.
inline std::uint64_t size_of_run(std::uint64_t quick, std::uint64_t full) {
  return std::getenv("PROJECTOR_TEST_LONG") != nullptr ? full : quick;
}

} // namespace projector::test
