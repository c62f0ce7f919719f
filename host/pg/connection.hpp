#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "pg/error.hpp"
#include "pg/parameters.hpp"
#include "pg/result.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct pg_conn;

namespace projector::pg {

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
  /// Connects, with keepalives, tcp_user_timeout and the settings in force. Throws Error (Kind::Connection), Interrupted.
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
  /// one; all that have come are taken. Throws Error when the session breaks, Interrupted.
  bool wait_for_notification(base::TimePoint deadline);

  [[nodiscard]] bool usable() const noexcept; ///< not closed, not known to be broken
  void close() noexcept;
  /// Asks the server to cancel what runs here now; does not wait. Only from the owning thread.
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
  /// Waits until the socket is readable (or writable too, where output is pending) and feeds libpq.
  void pump();
  [[noreturn]] void fail(std::string_view doing);
  Result next_result();

  struct Finish {
    void operator()(pg_conn* connection) const noexcept;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
  const base::Stop* stop_;
  base::Duration grace_;
  base::TimePoint connected_at_;
  std::unique_ptr<class StatementCache> statements_; ///< what is prepared in this session
};

/// Turns a failed PGresult into an Error; a Result that did not fail passes through.
Result checked(Result result);

} // namespace projector::pg
