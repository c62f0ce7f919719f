#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace projector::test {

/// A PostgreSQL server of the test's own: initdb in a temporary directory, a Unix socket only, run as an unprivileged
/// user when the test runs as root. Stopped by its pid and removed when destroyed. Use one at a time from one thread.
class PrivatePostgres {
public:
  struct Options {
    /// Appended to postgresql.conf, e.g. "max_prepared_transactions = 20". fsync is off unless `durable`.
    std::vector<std::string> settings;
    bool durable = false; ///< fsync and full_page_writes on
  };
  explicit PrivatePostgres(Options options);
  PrivatePostgres() : PrivatePostgres(Options{}) {}
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  /// A server for the whole test program, started on first use; max_prepared_transactions = 20, max_connections = 200.
  static PrivatePostgres& shared();

  /// Creates an empty database and returns its DSN (host=.. dbname=.. user=..).
  std::string create_database();
  [[nodiscard]] std::string dsn(std::string_view database = "postgres") const;

  void start();          ///< after a stop; waits until it accepts connections
  void stop_fast();      ///< SIGINT: rolls back and shuts down
  void stop_immediate(); ///< SIGQUIT: crash, recovery at the next start
  void restart() {
    stop_fast();
    start();
  }
  void crash_restart() {
    stop_immediate();
    start();
  }
  [[nodiscard]] int pid() const noexcept;                                ///< the postmaster's, 0 while stopped
  [[nodiscard]] const std::filesystem::path& directory() const noexcept; ///< holds the socket and data/

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace projector::test
