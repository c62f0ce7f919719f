#include "pg/connection.hpp"

#include "pg/cancel_request.hpp"
#include "pg/connection_info.hpp"
#include "pg/connection_refusal.hpp"
#include "pg/dsn_problem.hpp"
#include "pg/quote.hpp"
#include "pg/server_error.hpp"
#include "pg/server_version.hpp"
#include "pg/statement_cache.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace projector::pg {

namespace {

constexpr base::Duration kCancelWait = std::chrono::seconds(1);
constexpr base::Duration kRoomWait = std::chrono::seconds(1);
constexpr int kRoomPauseMilliseconds = 20;

/// In milliseconds, for poll; rounded up, so that the deadline has passed after the wait.
int poll_timeout(std::optional<base::TimePoint> until, base::TimePoint now) {
  if (!until) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - now);
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(3'600'000)).count());
}

/// Notices are dropped, except that a FATAL one while no statement runs means that the server ends the session.
void receive_notice(void* ended_by_server, const PGresult* notice) {
  const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity != nullptr && (std::string_view(severity) == "FATAL" || std::string_view(severity) == "PANIC")) {
    *static_cast<bool*>(ended_by_server) = true;
  }
}

} // namespace

void Connection::Finish::operator()(pg_conn* connection) const noexcept {
  PQfinish(connection);
}

Connection::Connection(const ConnectOptions& options, const base::Stop& stop, base::Duration grace)
    : stop_(&stop), grace_(grace), statements_(std::make_unique<StatementCache>()) {
  connect_or_make_room(options);
  connected_at_ = base::Clock::now();
  set_up(options);
}

Connection::~Connection() = default;

void Connection::connect_or_make_room(const ConnectOptions& options) {
  const auto until = base::Clock::now() + kRoomWait;
  while (true) {
    try {
      return connect(options);
    } catch (const Error& error) {
      if (!error.is("53300") || !options.make_room || base::Clock::now() >= until) {
        throw;
      }
      options.make_room();
    }
    // The server counts a closed session until its process has ended.
    pollfd stopped{stop_->fd(), POLLIN, 0};
    if (::poll(&stopped, 1, kRoomPauseMilliseconds) > 0) {
      throw Interrupted();
    }
  }
}

/// One statement checks whose session it is and sets it up, so that nothing is set in a pooler's session.
void Connection::set_up(const ConnectOptions& options) {
  std::string settings = "set_config('DateStyle', 'ISO', false), set_config('TimeZone', 'UTC', false), "
                         "set_config('standard_conforming_strings', 'on', false)";
  for (const auto& [name, value] : options.settings) {
    settings += ", set_config(" + quote_literal(name) + ", " + quote_literal(value) + ", false)";
  }
  const std::string announced = std::to_string(backend_pid());
  const auto row = exec("SELECT pg_backend_pid() = " + announced + ", CASE WHEN pg_backend_pid() = " + announced +
                        " THEN concat(" + settings + ") END");
  own_session_ = row.boolean(0, 0);
}

void Connection::connect(const ConnectOptions& options) {
  const ConnectionInfo info(options);
  const auto refuse = [&](std::string_view why, std::string sqlstate = {}) {
    throw Error(Error::Kind::Connection, std::move(sqlstate),
                "cannot connect to the database: " + info.without_password(one_line(why)));
  };
  const auto refused = [&] {
    auto refusal = connection_refusal(connection_.get());
    refuse(refusal.text, std::move(refusal.sqlstate));
  };
  const auto deadline = base::Clock::now() + info.timeout();
  connection_.reset(PQconnectStartParams(info.keywords().data(), info.values().data(), 1));
  if (!connection_) {
    throw std::bad_alloc();
  }
  PQsetNoticeReceiver(connection_.get(), receive_notice, &ended_by_server_);
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE); // otherwise the message has no SQLSTATE
  if (PQstatus(connection_.get()) == CONNECTION_BAD) {
    if (const std::string said = PQerrorMessage(connection_.get()); said.starts_with("invalid ")) {
      throw InvalidDsn(explain_dsn(options.dsn, said));
    }
    refused();
  }
  for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK; state = PQconnectPoll(connection_.get())) {
    if (state == PGRES_POLLING_FAILED) {
      refused();
    }
    if (wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, grace_) == 0) {
      const char* host = PQhost(connection_.get());
      refuse("no answer from " + std::string(host == nullptr || *host == '\0' ? "the server" : host) + " within " +
             std::to_string(info.timeout().count()) + " s; check host, port and firewall");
    }
  }
  PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
  if (const auto why = refuse_server_version(server_version()); !why.empty()) {
    connection_.reset();
    refuse(why, "0A000");
  }
  if (PQsetnonblocking(connection_.get(), 1) != 0) {
    refuse(PQerrorMessage(connection_.get()));
  }
}

Result Connection::exec(std::string_view sql, const Parameters& parameters, Format format) {
  start(sql, parameters, format);
  return last_result();
}

Result Connection::script(std::string_view sql) {
  check_statement(sql, {});
  if (PQsendQuery(live(), std::string(sql).c_str()) == 0) {
    fail("cannot send a statement");
  }
  return last_result();
}

void Connection::stream(std::string_view sql, const Parameters& parameters, Format format,
                        const std::function<bool(const Result&)>& row) {
  start(sql, parameters, format);
  PQsetSingleRowMode(connection_.get());
  std::optional<Error> error;
  while (Result result = next_result()) {
    const auto status = PQresultStatus(result.get());
    if (failed(result)) {
      error = failure(result);
      if (error->connection_lost()) {
        break;
      }
    } else if (status == PGRES_SINGLE_TUPLE) {
      bool more = false;
      try {
        more = row(result);
      } catch (...) {
        cancel();
        close();
        throw;
      }
      if (!more) {
        return abandon();
      }
    } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      refuse_copy();
    }
  }
  if (error) {
    throw *error;
  }
}

bool Connection::wait_for_notification(base::TimePoint deadline) {
  const auto take = [this] {
    bool any = false;
    while (PGnotify* notification = PQnotifies(connection_.get())) {
      PQfreemem(notification);
      any = true;
    }
    return any;
  };
  live();
  for (;;) {
    if (stop_->requested()) {
      interrupt();
    }
    if (PQconsumeInput(connection_.get()) == 0) {
      fail("the session that waits for notifications broke");
    }
    if (take()) {
      return true;
    }
    if (ended_by_server_) {
      fail("the server ended the session that waits for notifications");
    }
    if (base::Clock::now() >= deadline) {
      return false;
    }
    wait(POLLIN, deadline, base::Duration::zero());
  }
}

bool Connection::usable() const noexcept {
  return connection_ && !ended_by_server_ && PQstatus(connection_.get()) == CONNECTION_OK;
}

bool Connection::at_rest() const noexcept {
  return usable() && PQtransactionStatus(connection_.get()) == PQTRANS_IDLE &&
         PQpipelineStatus(connection_.get()) == PQ_PIPELINE_OFF;
}

bool Connection::alive() noexcept {
  if (!usable() || PQconsumeInput(connection_.get()) == 0) {
    return false;
  }
  // Also parses the input: the server may have announced the end of the session while its socket is still open.
  while (PGnotify* notification = PQnotifies(connection_.get())) {
    PQfreemem(notification);
  }
  return usable();
}

void Connection::close() noexcept {
  connection_.reset();
}

void Connection::cancel() noexcept {
  if (!connection_ || PQstatus(connection_.get()) != CONNECTION_OK) {
    return;
  }
  request_cancel(connection_.get(), kCancelWait);
}

int Connection::backend_pid() const noexcept {
  return PQbackendPID(connection_.get());
}

int Connection::server_version() const noexcept {
  return PQserverVersion(connection_.get());
}

void Connection::watch(const base::Stop& stop, base::Duration grace) noexcept {
  stop_ = &stop;
  grace_ = grace;
  stop_noticed_.reset();
}

pg_conn* Connection::live() {
  if (!connection_) {
    throw Error(Error::Kind::Connection, "", "the connection to the database is closed");
  }
  return connection_.get();
}

short Connection::wait(short events, std::optional<base::TimePoint> deadline, base::Duration grace) {
  for (;;) {
    const bool stopping = stop_->requested();
    const auto now = stopping || deadline ? base::Clock::now() : base::TimePoint();
    auto until = deadline;
    if (stopping) {
      stop_noticed_ = stop_noticed_.value_or(now);
      const auto end = *stop_noticed_ + grace;
      if (now >= end) {
        interrupt();
      }
      until = std::min(end, deadline.value_or(end));
    }
    pollfd watched[] = {{PQsocket(connection_.get()), events, 0}, {stop_->fd(), POLLIN, 0}};
    // After the request the stop's descriptor stays readable, and polling it would make the wait a busy loop.
    if (::poll(watched, stopping ? 1 : 2, poll_timeout(until, now)) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    if (watched[0].revents != 0) {
      return watched[0].revents;
    }
    if (deadline && base::Clock::now() >= *deadline) {
      return 0;
    }
  }
}

void Connection::interrupt() {
  if (!at_rest()) {
    cancel();
  }
  close();
  throw Interrupted();
}

void Connection::pump(bool unsent) {
  const short seen = wait(static_cast<short>(unsent ? POLLIN | POLLOUT : POLLIN), std::nullopt, grace_);
  if ((seen & ~POLLOUT) != 0 && PQconsumeInput(connection_.get()) == 0 &&
      PQstatus(connection_.get()) == CONNECTION_OK) {
    fail("cannot read from the database");
  }
}

void Connection::feed() {
  // The wait must follow the PQflush that left output unsent: a second call may send the rest, and then the server need
  // not send anything for which pump() could wait.
  while (PQflush(live()) > 0) {
    pump(true);
  }
}

void Connection::fail(std::string_view doing) {
  const std::string why = one_line(connection_ ? PQerrorMessage(connection_.get()) : "");
  close();
  throw Error(Error::Kind::Connection, "", std::string(doing) + (why.empty() ? "" : ": " + why));
}

Error Connection::failure(const Result& result) {
  Error error = server_error(result.get());
  doubt_ = std::max(doubt_, session_doubt(error.sqlstate()));
  if (error.connection_lost() || !usable()) {
    close();
    return {Error::Kind::Connection, error.sqlstate(), error.what()};
  }
  return error;
}

void Connection::refuse_copy() {
  close();
  throw Error(Error::Kind::Connection, "0A000",
              "COPY cannot run here, and the session was closed; use INSERT .. SELECT FROM unnest(..) instead");
}

void Connection::start(std::string_view sql, const Parameters& parameters, Format format) {
  check_statement(sql, parameters);
  Parameters::Arrays arrays;
  parameters.arrays(arrays);
  if (PQsendQueryParams(live(), std::string(sql).c_str(), static_cast<int>(parameters.size()), arrays.types.data(),
                        arrays.values.data(), arrays.lengths.data(), arrays.formats.data(),
                        static_cast<int>(format)) == 0) {
    fail("cannot send a statement");
  }
}

Result Connection::next_result() {
  while (PQstatus(live()) == CONNECTION_OK && PQisBusy(connection_.get()) != 0) {
    pump(PQflush(connection_.get()) > 0);
  }
  return Result(PQgetResult(connection_.get()));
}

Result Connection::last_result() {
  Result last;
  std::optional<Error> error;
  while (Result result = next_result()) {
    switch (PQresultStatus(result.get())) {
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      refuse_copy();
    default:
      break;
    }
    if (failed(result) && !error) {
      error = failure(result);
    }
    if (error && error->connection_lost()) {
      break;
    }
    last = std::move(result);
  }
  if (error) {
    throw *error;
  }
  return last;
}

void Connection::abandon() {
  const SessionDoubt before = doubt_;
  cancel();
  while (const Result result = next_result()) {
    // The cancellation was intended; only a lost connection is an error.
    if (failed(result)) {
      if (Error error = failure(result); error.connection_lost()) {
        throw error;
      }
    }
  }
  doubt_ = before;
}

} // namespace projector::pg
