#pragma once

#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <string>

namespace projector::eventlog {

/// What was found out about an event store that is safe to read. A value.
struct Store {
  StoreIdentity identity;
  std::string server; ///< tells one life of one server from every other: its start time
  std::string role;   ///< whom the host is there
  std::uint32_t database_oid = 0;
  std::uint32_t table_oid = 0;
  std::uint32_t sequence_oid = 0;
  std::string table;           ///< schema-qualified, quoted
  std::string sequence;        ///< likewise
  std::int64_t last_value = 0; ///< highest position that the sequence has handed out
  std::int64_t backend_pid = 0;
  std::int64_t wal_block_size = 0;
  std::int64_t wal_segment_size = 0;
  /// Why it cannot be known what is flushed, with the cure; empty where it can. Then nothing may be handed over that
  /// must be flushed.
  std::string flush_unknown;
  /// SQL expressions of the position up to which the store's log is written, and flushed.
  std::string inserted_sql = "0";
  std::string flushed_sql = "0";
  /// SQL expression of all that the check rests on and that can change while sessions are open: the table behind the
  /// name, the defaults and the files of its whole partition tree (TRUNCATE gives a table another file), the sequence's
  /// options, subscriptions.
  std::string fingerprint_sql;
  std::string fingerprint; ///< its value
};

/// Where the store's sequence is: SQL expression over the sequence's relation `s`.
inline constexpr const char* kLastValueSql = "s.last_value - CASE WHEN s.is_called THEN 0 ELSE 1 END";

/// Settings of every session of the event log. Row-level security makes reads fail instead of hiding rows; a snapshot
/// is never older than its statement unless it is asked for; plans read in order of position, whatever the statistics
/// say.
pg::ConnectOptions session_options(pg::ConnectOptions connect, const std::string& application_name);

/// How the transaction of a program begins that reads the store once: in one snapshot, without writes, with those
/// settings for itself alone. For pg::Transaction; in any session, also one that a pooler lends.
std::string begin_reading();

/// Reads everything about the store behind `events_table`. Throws StoreRefused with the cure where events could be lost
/// or cannot be read, or where the session is lent by a pooler, pg::Error.
Store check_store(pg::Connection& connection, const std::string& events_table);

/// Throws StoreRefused where this session is not on the server, the life of it, and the database that `store`
/// describes.
void check_same_server(pg::Connection& connection, const Store& store);

/// The cure for what a read of the table failed with, where there is a better one than the server's message.
std::string explain(const pg::Error& error, const Store& store);

} // namespace projector::eventlog
