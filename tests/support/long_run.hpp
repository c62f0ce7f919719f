#pragma once

#include <cstdint>
#include <cstdlib>

namespace projector::test {

/// The size of a test that has two: `full` where PROJECTOR_TEST_LONG is set, as `./dev test --long` does.
inline std::uint64_t size_of_run(std::uint64_t quick, std::uint64_t full) {
  return std::getenv("PROJECTOR_TEST_LONG") != nullptr ? full : quick;
}

} // namespace projector::test
