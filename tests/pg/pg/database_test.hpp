#pragma once

#include "pg/connection.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <gtest/gtest.h>

namespace projector::pg {

/// A database of the test's own, and a session in it to look from.
class DatabaseTest : public ::testing::Test {
protected:
  [[nodiscard]] ConnectOptions options() const { return {.dsn = dsn_, .settings = {}}; }

  /// The first column of the first row.
  static std::string value(Connection& connection, std::string_view sql) {
    return std::string(connection.exec(sql).bytes(0, 0));
  }
  std::string look(std::string_view sql) { return value(observer_, sql); }
  /// Whether that session exists and its pg_stat_activity row fits the condition.
  bool session_is(int pid, const std::string& condition) {
    return look("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid) + " AND " + condition) ==
           "1";
  }
  /// Ends a session and waits until it is gone.
  void terminate(int pid) {
    look("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
    ASSERT_TRUE(test::eventually([&] { return !session_is(pid, "true"); }));
  }

  std::string dsn_ = test::PrivatePostgres::shared().create_database();
  Connection observer_{{.dsn = dsn_, .settings = {}}, base::no_stop()};
};

/// The Error that a call throws; a test failure if it throws none.
template <typename Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no pg::Error was thrown";
  return {Error::Kind::Statement, "", "nothing was thrown"};
}

} // namespace projector::pg
