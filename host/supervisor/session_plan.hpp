#pragma once

#include "config/configuration.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace projector::supervisor {

/// How many sessions a role may have on a server, with the names for messages.
struct SessionLimits {
  std::string server; ///< the system's identifier
  std::string role;
  std::string database;
  std::optional<std::uint32_t> of_role;     ///< CONNECTION LIMIT of the role; none for a superuser
  std::optional<std::uint32_t> of_database; ///< CONNECTION LIMIT of the database; none for a superuser
  std::uint32_t of_server = 0;              ///< max_connections without reserved ones
};

/// Nothing if the session belongs to a connection pooler, which has limits of its own. Throws pg::Error,
/// pg::Interrupted.
std::optional<SessionLimits> read_session_limits(pg::Connection& connection);

/// Numbers of sessions on the two servers, which may be one.
struct Sessions {
  std::uint32_t event_store = 0;
  std::uint32_t read_model = 0;
};

/// The most sessions that a host keeps open with `pool_max` sessions for batches.
Sessions most_sessions(const config::Configuration& configuration, std::uint32_t pool_max);

/// The sessions that a host opens, so that all together are within the limits.
struct SessionPlan {
  std::uint32_t history_readers = 2;
  bool listener = true;
  std::uint32_t pool_max = 32;
  std::uint32_t least = 0; ///< the host cannot work with fewer sessions
  std::uint32_t most = 0;  ///< the host opens so many without limits
  std::string shortage;    ///< what limits the host, and how to raise that limit; empty if nothing does
};

/// Fewer sessions are allowed than a host needs; what() has the numbers and the cure.
class TooFewSessions : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// `others`: additional sessions that this program needs on the read model's server. Throws TooFewSessions. Pure.
SessionPlan plan_sessions(const config::Configuration& configuration, const std::optional<SessionLimits>& event_store,
                          const std::optional<SessionLimits>& read_model, std::uint32_t others = 0);

} // namespace projector::supervisor
