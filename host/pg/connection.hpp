#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "pg/error.hpp"
#include "pg/parameters.hpp"
#include "pg/result.hpp"

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
  /// Sent with every new session, e.g. {"TimeZone", "UTC"}; on top of client_encoding UTF8 and DateStyle ISO.
  std::vector<std::pair<std::string, std::string>> settings;
};

enum class Format { Text = 0, Binary = 1 };

/// One session, owned by one thread at a time. All calls that wait also end when the given Stop is requested: after
/// `grace` from the request they cancel what runs on the server, close the session and throw Interrupted.
///
/// Errors never hold the DSN's password.
class Connection {
public:
  /// Connects, with keepalives, tcp_user_timeout and the settings in force. Throws Error (Kind::Connection; a setting
  /// that the server refuses is of Kind::Statement), Interrupted. A connect_timeout in the DSN wins over the option.
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
  /// Looks at the socket of a session at rest, without waiting, whether the server has ended it meanwhile.
  bool alive() noexcept;
  /// Asks the server to cancel what runs here now; does not wait for it to end. Only from the owning thread.
  void cancel() noexcept;
  [[nodiscard]] base::TimePoint connected_at() const noexcept { return connected_at_; }
  [[nodiscard]] int backend_pid() const noexcept;
  [[nodiscard]] int server_version() const noexcept; ///< e.g. 150018
  /// From here on waits watch this Stop instead. It outlives the connection or the next call of this.
  void watch(const base::Stop& stop, base::Duration grace) noexcept;

  static std::string quote_identifier(std::string_view name);
  static std::string quote_literal(std::string_view text);

private:
  friend class Pipeline;
  pg_conn* live(); ///< throws Error where it is closed
  void connect(const ConnectOptions& options);
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
  bool ended_by_server_ = false;               ///< a FATAL message came while nothing ran
  std::unique_ptr<StatementCache> statements_; ///< what is prepared in this session
};

/// Turns a failed PGresult into an Error; a Result that did not fail passes through.
Result checked(Result result);

} // namespace projector::pg
