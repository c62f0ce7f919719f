#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "eventlog/schema.hpp"
#include "pg/connection.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace projector::eventlog {

/// What an event log reported, from any of its threads.
class Reports {
public:
  void add(bool warning, const std::string& text);
  [[nodiscard]] bool any_holds(const std::string& part) const;
  [[nodiscard]] std::string all() const;

private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
};

/// Follows a log through one cursor.
class Follower {
public:
  Follower(EventLog& log, Filter filter = {}, bool durable_only = false, std::int64_t after = 0,
           base::TimePoint not_before = base::Clock::now());
  /// Reads until everything up to `position` has been handed over; otherwise the test fails.
  void read_to(std::int64_t position);
  [[nodiscard]] const std::vector<std::int64_t>& positions() const { return positions_; }
  [[nodiscard]] std::size_t payload_bytes() const { return payload_bytes_; } ///< of all events together
  [[nodiscard]] std::int64_t position() const { return position_; }
  Cursor& cursor() { return *cursor_; }

private:
  std::unique_ptr<Cursor> cursor_;
  Filter filter_;
  std::int64_t position_;
  std::vector<std::int64_t> positions_;
  std::size_t payload_bytes_ = 0;
};

/// A database of its own with an empty events table, and an SQL function emit(n) that appends n events and returns the
/// last one's position.
class StoreTest : public ::testing::Test {
protected:
  explicit StoreTest(test::PrivatePostgres& server = test::PrivatePostgres::shared());

  void install(); ///< the table and emit, in the database that dsn_ leads to
  [[nodiscard]] pg::ConnectOptions connect_options(const std::string& user = "") const;
  [[nodiscard]] std::unique_ptr<pg::Connection> session() const;
  std::int64_t emit(pg::Connection& connection, int count = 1);
  [[nodiscard]] EventLogOptions options();
  std::unique_ptr<EventLog> open() { return open(options()); }
  std::unique_ptr<EventLog> open(EventLogOptions with);
  /// The message with which opening is refused; the test fails if it is not refused.
  std::string refusal(EventLogOptions with);
  std::string refusal() { return refusal(options()); }
  /// SELECT global_position FROM events WHERE .. ORDER BY 1.
  std::vector<std::int64_t> stored(const std::string& where = "true");
  /// Settles the log and checks that a new cursor gets exactly what the table holds.
  void expect_all_delivered(EventLog& log);
  /// Waits until a look has found a gap and waits for its holders.
  void await_gap(EventLog& log);

  test::PrivatePostgres& server_;
  std::string dsn_;
  std::unique_ptr<pg::Connection> admin_;
  Reports reports_;
};

} // namespace projector::eventlog
