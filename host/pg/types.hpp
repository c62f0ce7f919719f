#pragma once

#include <cstdint>

/// PostgreSQL's built-in types by oid, as in pg_type.dat; they never change.
namespace projector::pg::oid {

inline constexpr std::uint32_t kBool = 16;
inline constexpr std::uint32_t kInt8 = 20;
inline constexpr std::uint32_t kInt4 = 23;
inline constexpr std::uint32_t kText = 25;
inline constexpr std::uint32_t kTextArray = 1009;
inline constexpr std::uint32_t kInt8Array = 1016;

} // namespace projector::pg::oid
