#pragma once

#include <array>
#include <string_view>

/// The words that refuse_statement checks. All in lower case.
namespace projector::pg::rules {

/// The first keywords of statements that may run. SET, DECLARE, CREATE, ALTER and DROP are checked further.
inline constexpr std::array<std::string_view, 28> kAllowed = {
    "select", "insert",   "update",  "delete", "merge",   "with",    "values",  "table", "create", "alter",
    "drop",   "truncate", "comment", "grant",  "revoke",  "refresh", "analyze", "lock",  "set",    "do",
    "call",   "explain",  "show",    "notify", "declare", "fetch",   "move",    "close"};

/// What to write instead of a refused word.
struct Advice {
  std::string_view word;
  std::string_view instead;
};

inline constexpr std::string_view kHostTransaction =
    "the host begins and ends the transaction of a batch; leave this out, and return RETRY or REJECT to roll back";
inline constexpr std::string_view kHostPrepares =
    "the host prepares each statement by its text; pass the statement itself, with parameters as $1, $2";
inline constexpr std::string_view kOperators =
    "it cannot run in the transaction of a batch; run it from a session of your own, such as psql";
inline constexpr std::string_view kOutlives =
    "it would outlive the transaction in a session that projections share; use what ends with the transaction";
inline constexpr std::string_view kNoListen = "a plugin has no session of its own that could receive notifications; "
                                              "the host passes it the events, and it may send NOTIFY";
inline constexpr std::string_view kSetLocal =
    "SET without LOCAL would outlive the transaction in a session that projections share; write SET LOCAL";

/// First keywords whose statements are refused with advice of their own.
inline constexpr std::array<Advice, 21> kRefused = {{
    {"begin", kHostTransaction},
    {"start", kHostTransaction},
    {"commit", kHostTransaction},
    {"end", kHostTransaction},
    {"rollback", kHostTransaction},
    {"abort", kHostTransaction},
    {"savepoint", kHostTransaction},
    {"release", kHostTransaction},
    {"prepare", kHostPrepares},
    {"execute", kHostPrepares},
    {"deallocate", kHostPrepares},
    {"discard", kOutlives},
    {"reset", "write SET LOCAL .. TO DEFAULT, which ends with the transaction"},
    {"load", kOutlives},
    {"copy", "COPY takes over the connection; write INSERT .. SELECT FROM unnest($1, ..) with arrays"},
    {"listen", kNoListen},
    {"unlisten", kNoListen},
    {"vacuum", kOperators},
    {"cluster", kOperators},
    {"checkpoint", kOperators},
    {"reindex", kOperators},
}};

/// Settings that the host itself depends on until the commit.
inline constexpr std::array<Advice, 10> kHostSettings = {{
    {"transaction", "the host chooses the isolation level and that the transaction may write"},
    {"transaction_isolation", "the host chooses the isolation level"},
    {"transaction_read_only", "the host writes the checkpoint in the same transaction"},
    {"transaction_deferrable", "the host chooses the kind of transaction"},
    {"session", "the host's own statements run in the same session; give [read_model] dsn the user that you want"},
    {"session_authorization", "the host's own statements need its user; give [read_model] dsn the user that you want"},
    {"role", "the host's own statements need its user; give [read_model] dsn the user that you want"},
    {"names", "text between host, plugin and server is UTF-8"},
    {"client_encoding", "text between host, plugin and server is UTF-8"},
    {"standard_conforming_strings", "write E'..' for a string with backslash escapes"},
}};

inline constexpr std::string_view kTemporary =
    "a temporary object would outlive the transaction in a session that projections share; use a WITH query, an array "
    "parameter or a table of the projection's own";

/// Kinds of objects that CREATE, ALTER and DROP must not concern.
inline constexpr std::array<std::string_view, 4> kOutsideTransactions = {"database", "tablespace", "subscription",
                                                                         "system"};

inline constexpr std::array<std::string_view, 7> kSessionLocks = {
    "pg_advisory_lock",          "pg_advisory_lock_shared", "pg_try_advisory_lock",  "pg_try_advisory_lock_shared",
    "pg_advisory_unlock_shared", "pg_advisory_unlock",      "pg_advisory_unlock_all"};

} // namespace projector::pg::rules
