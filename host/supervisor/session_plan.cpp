#include "supervisor/session_plan.hpp"

#include "pg/quote.hpp"

#include <fmt/format.h>

#include <vector>

namespace projector::supervisor {
namespace {

constexpr std::uint32_t kTail = 1;
/// The checkpoint writer and the bookkeeper.
constexpr std::uint32_t kCheckpointsAndStates = 2;
constexpr std::uint32_t kLeastHistory = 1;
constexpr std::uint32_t kLeastPool = 1;
/// One for "projectorctl status" beside a host.
constexpr std::uint32_t kSpare = 1;

/// One limit, and which of the host's sessions count.
struct Limit {
  bool event_store = false;
  bool read_model = false;
  std::uint32_t sessions = 0;
  std::string found;
  std::string cure; ///< {} stands for the number
};

/// Those to which the limit applies.
std::uint32_t under(const Limit& limit, const Sessions& sessions) {
  return (limit.event_store ? sessions.event_store : 0) + (limit.read_model ? sessions.read_model : 0);
}

void add_limits(const SessionLimits& limits, bool event_store, const std::optional<SessionLimits>& other,
                std::vector<Limit>& all) {
  const bool same_server = other && other->server == limits.server;
  const auto add = [&](bool shared, std::uint32_t sessions, std::string found, std::string cure) {
    all.push_back({event_store || shared, !event_store || shared, sessions, std::move(found), std::move(cure)});
  };
  if (limits.of_role) {
    add(same_server && other->role == limits.role, *limits.of_role,
        fmt::format("role {} may have {} sessions", limits.role, *limits.of_role),
        fmt::format("ALTER ROLE {} CONNECTION LIMIT {{}}", pg::quote_identifier(limits.role)));
  }
  if (limits.of_database) {
    add(same_server && other->database == limits.database, *limits.of_database,
        fmt::format("database {} may have {} sessions", limits.database, *limits.of_database),
        fmt::format("ALTER DATABASE {} CONNECTION LIMIT {{}}", pg::quote_identifier(limits.database)));
  }
  add(same_server, limits.of_server, fmt::format("the server has {} sessions for all programs", limits.of_server),
      "raise max_connections by {}");
}

Sessions sessions_of(const SessionPlan& plan, std::uint32_t others) {
  return {kTail + plan.history_readers + (plan.listener ? 1 : 0), kCheckpointsAndStates + plan.pool_max + others};
}

/// Removes the least important of the sessions to which the limit applies; false if none can be spared.
bool give_up_one(SessionPlan& plan, const Limit& limit) {
  constexpr std::uint32_t kGoodPool = 2;
  const bool of_the_log = limit.event_store && (plan.listener || plan.history_readers > kLeastHistory);
  if (limit.read_model && plan.pool_max > (of_the_log ? kGoodPool : kLeastPool)) {
    --plan.pool_max;
  } else if (of_the_log && plan.listener) {
    plan.listener = false;
  } else if (of_the_log) {
    --plan.history_readers;
  } else {
    return false;
  }
  return true;
}

SessionPlan plan_without_limits(const config::Configuration& configuration, std::uint32_t pool_max) {
  SessionPlan plan;
  plan.listener = !configuration.event_store.notify_channel.empty();
  plan.pool_max = pool_max;
  return plan;
}

} // namespace

Sessions most_sessions(const config::Configuration& configuration, std::uint32_t pool_max) {
  return sessions_of(plan_without_limits(configuration, pool_max), 0);
}

std::optional<SessionLimits> read_session_limits(pg::Connection& connection) {
  if (!connection.own_session()) {
    return std::nullopt;
  }
  const auto row = connection.exec(
      "SELECT (SELECT system_identifier FROM pg_control_system()), r.rolname, d.datname, "
      "CASE WHEN r.rolsuper OR r.rolconnlimit < 0 THEN NULL ELSE r.rolconnlimit END, "
      "CASE WHEN r.rolsuper OR d.datconnlimit < 0 THEN NULL ELSE d.datconnlimit END, "
      "current_setting('max_connections')::int - CASE WHEN r.rolsuper THEN 0 ELSE "
      "current_setting('superuser_reserved_connections')::int + "
      "coalesce(current_setting('reserved_connections', true)::int, 0) END "
      "FROM pg_roles r, pg_database d WHERE r.rolname = session_user AND d.datname = current_database()");
  const auto number = [&](std::size_t column) {
    return row.is_null(0, column) ? std::nullopt : std::optional(static_cast<std::uint32_t>(row.int8(0, column)));
  };
  return SessionLimits{.server = std::string(row.bytes(0, 0)),
                       .role = std::string(row.bytes(0, 1)),
                       .database = std::string(row.bytes(0, 2)),
                       .of_role = number(3),
                       .of_database = number(4),
                       .of_server = number(5).value_or(0)};
}

SessionPlan plan_sessions(const config::Configuration& configuration, const std::optional<SessionLimits>& event_store,
                          const std::optional<SessionLimits>& read_model, std::uint32_t others) {
  std::vector<Limit> limits;
  if (event_store) {
    add_limits(*event_store, true, read_model, limits);
  }
  if (read_model) {
    add_limits(*read_model, false, event_store, limits);
  }
  SessionPlan plan = plan_without_limits(configuration, configuration.read_model.pool_max);
  const Sessions most = sessions_of(plan, others);
  const Sessions least{kTail + kLeastHistory, kCheckpointsAndStates + kLeastPool + others};
  plan.least = least.event_store + least.read_model;
  plan.most = most.event_store + most.read_model;
  for (const Limit& limit : limits) {
    const auto shortage = [&] {
      return fmt::format(
          "{}, and this host needs {} of them at least and opens up to {}; cure: {}, which leaves {} for "
          "projectorctl, or lower read_model.pool_max",
          limit.found, under(limit, least), under(limit, most),
          fmt::format(fmt::runtime(limit.cure), under(limit, most) + kSpare), kSpare);
    };
    if (limit.sessions < under(limit, least)) {
      throw TooFewSessions(shortage());
    }
    while (under(limit, sessions_of(plan, others)) > limit.sessions && give_up_one(plan, limit)) {
      plan.shortage = shortage();
    }
  }
  return plan;
}

} // namespace projector::supervisor
