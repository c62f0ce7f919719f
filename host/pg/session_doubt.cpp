#include "pg/session_doubt.hpp"

#include <algorithm>
#include <array>

namespace projector::pg {
namespace {

template <std::size_t N>
bool begins_with_any(std::string_view sqlstate, const std::array<std::string_view, N>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return sqlstate.starts_with(prefix); });
}

/// Read-only (a default that may have been changed back, or a standby server), a changed role, an operator's
/// intervention (including timeouts of role or database).
constexpr std::array<std::string_view, 3> kAll{"25006", "28", "57"};
/// Plans and prepared statements, transaction state, names and privileges (search_path, role, temporary tables),
/// resources of the process, the system.
constexpr std::array<std::string_view, 13> kSession{"0A", "0L", "0P", "25", "26", "34", "3D",
                                                    "3F", "42", "53", "58", "F0", "XX"};
/// The SQLSTATE of statements after a failed one, which says nothing about the cause.
constexpr std::string_view kAborted = "25P02";

} // namespace

SessionDoubt session_doubt(std::string_view sqlstate) {
  if (sqlstate == kAborted) {
    return SessionDoubt::None;
  }
  if (begins_with_any(sqlstate, kAll)) {
    return SessionDoubt::All;
  }
  return begins_with_any(sqlstate, kSession) ? SessionDoubt::Session : SessionDoubt::None;
}

} // namespace projector::pg
