#pragma once

#include <string_view>

namespace projector::pg {

/// Whether what a session keeps can be the cause of an error: its settings, its role, its prepared statements, its
/// memory, or that it leads to a stand-by. Such a session is not used again.
enum class SessionDoubt {
  None,    ///< the statement, the data or other transactions are the cause
  Session, ///< this session may be the cause: another one may work
  All,     ///< what this session was given when it connected may be the cause, so the others of its time have it, too
};

/// What a failed statement's SQLSTATE says about its session.
SessionDoubt session_doubt(std::string_view sqlstate);

} // namespace projector::pg
