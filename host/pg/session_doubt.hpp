#pragma once

#include <string_view>

namespace projector::pg {

/// Whether the state of a session can have caused an error: its settings, role, prepared statements or memory, or that
/// it is a session of a standby server. Such a session is not used again.
enum class SessionDoubt {
  None,    ///< the statement, the data or other transactions are the cause
  Session, ///< this session may be the cause; another one may work
  All,     ///< the cause may be something that sessions get when they connect, so that older ones have it, too
};

/// The doubt that an SQLSTATE of a failed statement raises about its session.
SessionDoubt session_doubt(std::string_view sqlstate);

} // namespace projector::pg
