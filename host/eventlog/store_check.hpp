#pragma once

#include "eventlog/event_log.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <string>

namespace projector::eventlog {

/// An event store that is safe to read, as its check found it. A value.
struct Store {
  StoreIdentity identity;
  std::string server; ///< start time of the server; another one means that it was restarted, or is another server
  std::string role;   ///< the session's role
  std::uint32_t database_oid = 0;
  std::uint32_t table_oid = 0;
  std::uint32_t sequence_oid = 0;
  std::string table;           ///< schema-qualified, quoted
  std::string sequence;        ///< likewise
  std::int64_t last_value = 0; ///< highest position that the sequence has given out
  std::int64_t backend_pid = 0;
  std::int64_t wal_block_size = 0;
  std::int64_t wal_segment_size = 0;
  /// Why the flushed position cannot be read, with the cure; empty if it can. Unless it is empty, no event is handed
  /// over to cursors that need flushed ones.
  std::string flush_unknown;
  /// SQL expressions: up to where the store's write-ahead log is written, and flushed.
  std::string inserted_sql = "0";
  std::string flushed_sql = "0";
  /// SQL expression: whether no text of an event can exceed half a MiB, as no row is large enough to be stored in
  /// parts.
  std::string only_small_text_sql = "false";
  /// SQL expression whose value changes when the check has to be repeated. It covers the table behind the name, the
  /// defaults and files of its partition tree (TRUNCATE gives a table a new file), the sequence's options,
  /// subscriptions.
  std::string fingerprint_sql;
  std::string fingerprint; ///< its value
};

/// SQL expression of the last value that a sequence has given out; `s` is its relation.
inline constexpr const char* kLastValueSql = "s.last_value - CASE WHEN s.is_called THEN 0 ELSE 1 END";

/// Settings of every session of the event log. With them, row-level security makes reads fail instead of hiding rows,
/// each statement has a new snapshot by default, and plans read in order of position whatever the statistics say.
pg::ConnectOptions session_options(pg::ConnectOptions connect, const std::string& application_name);

/// The BEGIN of a transaction that reads the store in one snapshot, for pg::Transaction. It sets those settings for the
/// transaction only, so it may also be used in the sessions of a connection pooler.
std::string begin_reading();

/// Checks the store of `events_table`. Throws StoreRefused with the cure if events could be lost or cannot be read, or
/// if the session belongs to a connection pooler; pg::Error.
Store check_store(pg::Connection& connection, const std::string& events_table);

/// Throws StoreRefused if this session is on another server or database than `store`, or if the server was restarted
/// meanwhile.
void check_same_server(pg::Connection& connection, const Store& store);

/// The error of a failed read as a message, with the cure if one is known.
std::string explain(const pg::Error& error, const Store& store);

} // namespace projector::eventlog
