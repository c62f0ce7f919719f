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
  std::string dsn; ///< keyword=value or URI, as libpq takes it
  std::string application_name = "projectord";
  std::chrono::seconds connect_timeout{10};
  /// Set in every new session, e.g. {"lock_timeout", "1s"}, on top of DateStyle ISO and TimeZone UTC; only where the
  /// session is the connection's own.
  std::vector<std::pair<std::string, std::string>> settings;
  /// Called where the server has no connection left for the role, the database or at all (53300), on the connecting
  /// thread: gives back what can be spared. The server is then asked again.
  std::function<void()> make_room = {};
};

enum class Format { Text = 0, Binary = 1 };

/// One session, owned by one thread at a time. All calls that wait also end when the given Stop is requested: after
/// `grace` from the request they cancel what runs on the server, close the session and throw Interrupted.
///
/// Errors never hold the DSN's password.
class Connection {
public:
  /// Connects, with keepalives, tcp_user_timeout and the settings in force. Throws Error (Kind::Connection, with the
  /// SQLSTATE by which the server refused the connection; a setting that the server refuses is of Kind::Statement),
  /// InvalidDsn, Interrupted. A connect_timeout in the DSN wins over the option.
  Connection(const ConnectOptions& options, const base::Stop& stop, base::Duration grace = base::Duration::zero());
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One statement, waited for. Throws Error, Interrupted.
  Result exec(std::string_view sql, const Parameters& parameters = {}, Format format = Format::Text);
  /// One statement whose rows come one by one, each in a Result of one row; ends early, cancelling the statement, where
  /// `row` returns false. Throws Error, Interrupted, and what `row` throws (the connection is closed then).
  void stream(std::string_view sql, const Parameters& parameters, Format format,
              const std::function<bool(const Result&)>& row);
  /// Several statements in one text, without parameters, in the simple protocol; the last result.
  Result script(std::string_view sql);

  /// Waits for a notification on any channel this session listens on, or until the deadline. True: there was at least
  /// one; all that have come are taken. Throws Error when the session breaks, Interrupted (at once, since nothing
  /// runs).
  bool wait_for_notification(base::TimePoint deadline);

  [[nodiscard]] bool usable() const noexcept; ///< not closed, not known to be broken
  void close() noexcept;
  /// usable(), and in no transaction, pipeline or unfinished statement.
  [[nodiscard]] bool at_rest() const noexcept;
  /// The worst that any failed statement has said about this session so far.
  [[nodiscard]] SessionDoubt doubt() const noexcept { return doubt_; }
  /// at_rest(), and no failed statement may have been the session's own fault.
  [[nodiscard]] bool reusable() const noexcept { return at_rest() && doubt_ == SessionDoubt::None; }
  /// Whether the server's session is this connection's alone. Behind a pooler it is not: each transaction may run in
  /// another session, what is set or prepared there reaches other programs, and the connection outlives the server.
  /// Nothing is set or prepared then.
  [[nodiscard]] bool own_session() const noexcept { return own_session_; }
  /// Looks at the socket of a session at rest, without waiting, whether the server has ended it meanwhile.
  bool alive() noexcept;
  /// Asks the server to cancel what runs here now, for a second at most; does not wait for it to end. Only from the
  /// owning thread.
  void cancel() noexcept;
  [[nodiscard]] base::TimePoint connected_at() const noexcept { return connected_at_; }
  [[nodiscard]] int backend_pid() const noexcept;
  [[nodiscard]] int server_version() const noexcept; ///< e.g. 150018
  /// From here on waits watch this Stop instead. It outlives the connection or the next call of this.
  void watch(const base::Stop& stop, base::Duration grace) noexcept;

private:
  friend class Pipeline;
  pg_conn* live(); ///< throws Error where it is closed
  void connect(const ConnectOptions& options);
  void connect_or_make_room(const ConnectOptions& options);
  void set_up(const ConnectOptions& options);
  /// Waits for poll's `events` on the socket; what poll saw, or 0 at the deadline. Throws Interrupted.
  short wait(short events, std::optional<base::TimePoint> deadline, base::Duration grace);
  [[noreturn]] void interrupt();
  /// Waits until the socket is readable, or writable where output is `unsent`, and takes in what came. A connection
  /// that breaks meanwhile shows in the next result, which tells more.
  void pump(bool unsent);
  /// Returns when all output has been handed to the socket; takes in what the server answers meanwhile.
  void feed();
  [[noreturn]] void fail(std::string_view doing);
  /// What a failed result says; of Kind::Connection, and the connection is closed, where that is lost.
  Error failure(const Result& result);
  [[noreturn]] void refuse_copy();
  void start(std::string_view sql, const Parameters& parameters, Format format);
  Result next_result();
  Result last_result(); ///< of the statements started; throws the first failure
  void abandon();       ///< cancels the running statement and drops what is left of its answer

  struct Finish {
    void operator()(pg_conn* connection) const noexcept;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
  const base::Stop* stop_;
  base::Duration grace_;
  std::optional<base::TimePoint> stop_noticed_;
  base::TimePoint connected_at_;
  bool ended_by_server_ = false; ///< a FATAL message came while nothing ran
  bool own_session_ = true;
  SessionDoubt doubt_ = SessionDoubt::None;
  std::unique_ptr<StatementCache> statements_; ///< what is prepared in this session
};

} // namespace projector::pg
