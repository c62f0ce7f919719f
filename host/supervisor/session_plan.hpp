#pragma once

#include "config/configuration.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace projector::supervisor {

/// How many sessions a role may have on a server, and what those limits are about.
struct SessionLimits {
  std::string server; ///< the system's identifier
  std::string role;
  std::string database;
  std::optional<std::uint32_t> of_role;     ///< CONNECTION LIMIT of the role; none for a superuser
  std::optional<std::uint32_t> of_database; ///< likewise of the database
  std::uint32_t of_server = 0;              ///< max_connections, without those that are reserved for others
};

/// Nothing where the session is lent by a pooler, whose limits are others. Throws pg::Error, pg::Interrupted.
std::optional<SessionLimits> read_session_limits(pg::Connection& connection);

/// The sessions that a host opens, so that all together are within the limits.
struct SessionPlan {
  std::uint32_t history_readers = 2;
  bool listener = true;
  std::uint32_t pool_max = 32;
  std::uint32_t least = 0; ///< with fewer sessions a host cannot work
  std::uint32_t most = 0;  ///< what it opens where nothing limits it
  std::string shortage;    ///< what limits it, and how to lift that; empty where nothing does
};

/// Fewer sessions are allowed than a host needs; what() has the numbers and the cure.
class TooFewSessions : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// `others`: sessions of the read model's server that this program needs besides a host's. Throws TooFewSessions. Pure.
SessionPlan plan_sessions(const config::Configuration& configuration, const std::optional<SessionLimits>& event_store,
                          const std::optional<SessionLimits>& read_model, std::uint32_t others = 0);

} // namespace projector::supervisor
