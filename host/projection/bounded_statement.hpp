#pragma once

#include "base/clock.hpp"
#include "pg/connection.hpp"

#include <string>
#include <string_view>

namespace projector::projection {

/// Runs one statement in a transaction of its own, in one round trip. If it has to wait for a lock for longer than
/// `lock_timeout`, it fails with SQLSTATE 55P03. The connection is at rest before and, unless it was lost, afterwards.
/// Throws pg::Error, pg::Interrupted.
pg::Result exec_bounded(pg::Connection& connection, base::Duration lock_timeout, std::string_view sql,
                        const pg::Parameters& parameters = {});

/// `duration` as the value of a setting such as lock_timeout, e.g. "500ms".
std::string setting_value(base::Duration duration);

/// Who holds, or waits for, a lock on one of this database's tables that keeps others from writing to it: "pid 4711
/// (psql, idle in transaction for 12 s) holds ShareLock on projector_workers". Empty where there is nobody, or where
/// that cannot be read. The connection is at rest.
std::string describe_table_locks(pg::Connection& connection) noexcept;

/// What `error` says and, where it waited for a lock for too long, who holds it.
std::string describe_error(pg::Connection* connection, const std::exception& error);

/// Runs `question` on a session at rest; where a lock kept it waiting for too long, the error that is thrown names who
/// holds it.
template <class Question>
auto explaining_locks(pg::Connection& connection, const Question& question) {
  try {
    return question(connection);
  } catch (const pg::Error& error) {
    if (!error.is("55P03")) {
      throw;
    }
    throw pg::Error(error.kind(), error.sqlstate(), describe_error(&connection, error));
  }
}

} // namespace projector::projection
