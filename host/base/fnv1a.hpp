#pragma once

#include <cstdint>
#include <string_view>

namespace projector::base {

/// FNV-1a, 32 bit, as specified by Fowler, Noll and Vo (offset basis 2166136261, prime 16777619). The partition of an
/// event is this hash of its aggregate id, unsigned, modulo the number of partitions; stored checkpoints rely on it.
constexpr std::uint32_t fnv1a32(std::string_view bytes) noexcept {
  std::uint32_t hash = 2166136261u;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619u;
  }
  return hash;
}

} // namespace projector::base
