#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "pg/error.hpp"
#include "pg/parameters.hpp"
#include "pg/result.hpp"
#include "pg/session_doubt.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct pg_conn;

namespace projector::pg {

class StatementCache;

struct ConnectOptions {
  std::string dsn; ///< keyword=value or URI, in libpq's syntax
  std::string application_name = "projectord";
  std::chrono::seconds connect_timeout{10};
  /// Set in every new session besides DateStyle ISO and TimeZone UTC, e.g. {"lock_timeout", "1s"}; not set in the
  /// sessions of a connection pooler.
  std::vector<std::pair<std::string, std::string>> settings;
  /// Called on the connecting thread if the limit of connections of the role, the database or the server is reached
  /// (53300). It closes connections that can be spared; then connecting is tried again.
  std::function<void()> make_room = {};
};

enum class Format { Text = 0, Binary = 1 };

/// One session, owned by one thread at a time. All waiting calls also end when the given Stop is requested: once
/// `grace` has passed since the request, they cancel the running statement, close the session and throw Interrupted.
/// Errors never contain the DSN's password.
class Connection {
public:
  /// Connects, with keepalives, tcp_user_timeout and the settings in force. Throws Error (Kind::Connection, with the
  /// server's SQLSTATE if it refused the connection, 0A000 if the server is too old; Kind::Statement if it refused a
  /// setting), InvalidDsn, Interrupted. A connect_timeout in the DSN wins over the option.
  Connection(const ConnectOptions& options, const base::Stop& stop, base::Duration grace = base::Duration::zero());
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs one statement and waits for its result. Throws Error, Interrupted.
  Result exec(std::string_view sql, const Parameters& parameters = {}, Format format = Format::Text);
  /// Runs one statement and calls `row` with each row, a Result of one row. If `row` returns false, the statement is
  /// cancelled. Throws Error, Interrupted, and exceptions of `row` (the connection is closed then).
  void stream(std::string_view sql, const Parameters& parameters, Format format,
              const std::function<bool(const Result&)>& row);
  /// Runs several statements in one text, without parameters, by the simple protocol. Returns the last result.
  Result script(std::string_view sql);

  /// Waits for a notification on any channel this session listens on, or until the deadline. True: there was at least
  /// one; all that have arrived are consumed. Throws Error if the session is lost, Interrupted (without `grace`, since
  /// no statement runs).
  bool wait_for_notification(base::TimePoint deadline);

  [[nodiscard]] bool usable() const noexcept; ///< not closed, not known to be broken
  void close() noexcept;
  /// usable(), and no transaction, pipeline or statement is open.
  [[nodiscard]] bool at_rest() const noexcept;
  /// The worst doubt that a failed statement has raised about this session so far.
  [[nodiscard]] SessionDoubt doubt() const noexcept { return doubt_; }
  /// at_rest(), and no statement has failed in a way that the session itself may have caused.
  [[nodiscard]] bool reusable() const noexcept { return at_rest() && doubt_ == SessionDoubt::None; }
  /// Whether the server's session is this connection's alone. Behind a connection pooler it is not: each transaction
  /// may run in another session, settings and prepared statements would reach other programs, and the connection may
  /// outlive a crash of the server. The connection sets and prepares nothing then.
  [[nodiscard]] bool own_session() const noexcept { return own_session_; }
  /// Checks, without waiting, whether the server has ended a session that is at rest.
  bool alive() noexcept;
  /// Requests the server to cancel the running statement, which takes a second at most; does not wait until the
  /// statement has ended. Only from the owning thread.
  void cancel() noexcept;
  [[nodiscard]] base::TimePoint connected_at() const noexcept { return connected_at_; }
  [[nodiscard]] int backend_pid() const noexcept;
  [[nodiscard]] int server_version() const noexcept; ///< e.g. 150018
  /// Replaces the Stop and `grace` of later waits. `stop` outlives the connection or the next call.
  void watch(const base::Stop& stop, base::Duration grace) noexcept;

private:
  friend class Pipeline;
  pg_conn* live(); ///< throws Error if it is closed
  void connect(const ConnectOptions& options);
  void connect_or_make_room(const ConnectOptions& options);
  void set_up(const ConnectOptions& options);
  /// Waits for poll's `events` on the socket. Returns poll's result, or 0 at the deadline. Throws Interrupted.
  short wait(short events, std::optional<base::TimePoint> deadline, base::Duration grace);
  [[noreturn]] void interrupt();
  /// Waits until the socket is readable, or writable if output is `unsent`, and reads the input. If the connection
  /// breaks, the next result reports it with more detail.
  void pump(bool unsent);
  /// Writes all output to the socket, and reads what the server sends meanwhile.
  void feed();
  [[noreturn]] void fail(std::string_view doing);
  /// The error of a failed result. If the connection is lost, it is of Kind::Connection and the connection is closed.
  Error failure(const Result& result);
  [[noreturn]] void refuse_copy();
  void start(std::string_view sql, const Parameters& parameters, Format format);
  Result next_result();
  Result last_result(); ///< of the started statements; throws the first error
  void abandon();       ///< cancels the running statement and drops the rest of its results

  struct Finish {
    void operator()(pg_conn* connection) const noexcept;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
  const base::Stop* stop_;
  base::Duration grace_;
  std::optional<base::TimePoint> stop_noticed_;
  base::TimePoint connected_at_;
  bool ended_by_server_ = false; ///< a FATAL message came while no statement ran
  bool own_session_ = true;
  SessionDoubt doubt_ = SessionDoubt::None;
  std::unique_ptr<StatementCache> statements_; ///< the session's prepared statements
};

} // namespace projector::pg
