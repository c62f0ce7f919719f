#include "eventlog/history_reader.hpp"

#include "eventlog/large_rows.hpp"
#include "eventlog/row_decoder.hpp"
#include "eventlog/unreadable_event.hpp"

#include <fmt/core.h>
#include <poll.h>

namespace projector::eventlog {
namespace {

/// One value as an equality, so that an index on it and the position gives rows in order.
void add_condition(std::string& sql, pg::Parameters& parameters, const char* column,
                   const std::vector<std::string>& values) {
  if (values.size() == 1) {
    parameters.text(values.front());
    sql += fmt::format(" AND {} = ${}", column, parameters.size());
  } else if (!values.empty()) {
    parameters.text_array(values);
    sql += fmt::format(" AND {} = ANY(${}::text[])", column, parameters.size());
  }
}

std::string statement(const HistoryRead& read, const std::string& columns, const std::string& rows, std::int64_t after,
                      std::int64_t limit, pg::Parameters& parameters) {
  std::string sql =
      fmt::format("SELECT {} FROM {} r WHERE global_position > $1 AND global_position <= $2", columns, rows);
  parameters.int8(after).int8(read.to);
  if (read.only_for) {
    const Filter& filter = read.only_for->filter;
    add_condition(sql, parameters, "event_type", filter.event_types);
    add_condition(sql, parameters, "aggregate_type", filter.aggregate_types);
    add_condition(sql, parameters, "bounded_context", filter.bounded_contexts);
  }
  return sql + fmt::format(" ORDER BY global_position LIMIT {}", limit);
}

} // namespace

HistoryReader::HistoryReader(const EventLogOptions& options, SharedLog& shared, const base::Stop& stop)
    : options_(options), shared_(shared), stop_(stop), backoff_(options.retry_backoff, options.retry_backoff_max) {}

void HistoryReader::run() {
  while (!stop_.requested()) {
    std::shared_ptr<HistoryRead> read;
    try {
      read = shared_.next_read(stop_);
      if (!read) {
        return;
      }
      carry_out(*read);
      shared_.reserve(*read, 0);
      backoff_.reset();
      reported_ = false;
    } catch (const pg::Interrupted&) {
      return;
    } catch (const std::exception& error) {
      give_up(read.get(), error.what());
    } catch (...) {
      give_up(read.get(), "an exception of an unknown type");
    }
  }
}

/// A read that is never finished would keep its range from being read again, so not even a failure to report the
/// first failure may prevent that.
void HistoryReader::give_up(HistoryRead* read, const char* error) noexcept {
  try {
    if (read != nullptr) {
      report_failure(*read, error);
    }
  } catch (...) { // NOLINT: reported when it fails again
  }
  pause();
  try {
    if (read != nullptr) {
      shared_.finish(*read, 0, false);
    }
  } catch (...) { // NOLINT: it has left the plan, and cursors that wait for it plan it again
  }
}

void HistoryReader::report_failure(HistoryRead& read, const char* error) {
  shared_.reserve(read, 0);
  if (!connection_ || !connection_->reusable()) {
    connection_.reset();
  }
  const std::string reason =
      fmt::format("reading events above position {} failed, trying again: {}", read.progress, error);
  if (!reported_ && options_.report) {
    options_.report(true, reason);
    reported_ = true;
  }
  if (connection_) {
    shared_.unreadable(read, read.progress + 1, reason);
  }
}

void HistoryReader::pause() {
  pollfd stopped{stop_.fd(), POLLIN, 0};
  ::poll(&stopped, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(backoff_.next()).count()));
}

/// A session of the life of the server in which the read was asked for. A server that crashed since may have lost
/// events below the settled position, and give their positions to others.
bool HistoryReader::ready(const HistoryRead& read) {
  if (connection_ && connection_->usable() && session_incarnation_ == read.incarnation) {
    return true;
  }
  connection_.reset();
  session_incarnation_ = 0;
  store_ = shared_.store(read.incarnation);
  if (!store_) {
    return false;
  }
  connection_.emplace(session_options(options_.connect, "projectord eventlog history"), stop_);
  check_same_server(*connection_, *store_);
  if (!shared_.confirm(read.incarnation, stop_)) {
    connection_.reset();
    return false;
  }
  session_incarnation_ = read.incarnation;
  return true;
}

void HistoryReader::carry_out(HistoryRead& read) {
  if (!ready(read)) {
    shared_.finish(read, 0, false);
    return;
  }
  std::int64_t rows = 0;
  std::int64_t from = read.after;
  bool wanted = true;
  const auto cut = [&](std::int64_t to) {
    wanted = shared_.deliver(read, builder_.finish(from, to, read.incarnation, read.began));
    from = to;
  };
  builder_.clear();
  pg::Parameters parameters;
  const bool guarded = may_hold_large_rows(*connection_, *store_);
  const std::string sql = guarded
                              ? statement(read, std::string(kEventColumns) + ", large",
                                          rows_without_large_text(store_->table), read.after, read.limit, parameters)
                              : statement(read, kEventColumns, store_->table, read.after, read.limit, parameters);
  std::optional<std::int64_t> large;
  std::optional<UnreadableEvent> unreadable;
  const auto take = [&](const pg::Result& row) {
    const projector_event event = decode_row(row.get(), 0);
    const std::int64_t last = builder_.empty() ? from : builder_.last_position();
    if (event.global_position == last && rows > 0) {
      throw UnreadableEvent(last, "global_position", "another row has the same position");
    }
    if (guarded && is_large(row.get())) {
      large = event.global_position;
      return false;
    }
    if (builder_.full_for(text_bytes(event))) {
      cut(builder_.last_position());
      if (!wanted) {
        return false;
      }
    }
    builder_.append(event);
    ++rows;
    return true;
  };
  try {
    connection_->stream(sql, parameters, pg::Format::Binary, [&](const pg::Result& row) {
      try {
        return take(row);
      } catch (const UnreadableEvent& event) {
        unreadable = event;
        return false;
      }
    });
  } catch (const pg::Error& error) {
    if (!may_be_of_one_row(error)) {
      throw;
    }
    // The rows before it have come, in order.
    pg::Parameters next;
    const auto row = connection_->exec(
        statement(read, "global_position", store_->table, builder_.empty() ? from : builder_.last_position(), 1, next),
        next);
    if (row.rows() != 0) {
      unreadable = find_unreadable(*connection_, *store_, row.int8(0, 0));
    }
    if (!unreadable) {
      throw;
    }
  }
  if (unreadable) {
    stop_before(read, *unreadable, [&] { cut(unreadable->position() - 1); });
    return;
  }
  if (large && wanted) {
    read_large(read, *large, cut);
    shared_.finish(read, rows + 1, from == read.to);
    return;
  }
  const bool complete = wanted && rows < read.limit;
  if (wanted && (complete || !builder_.empty())) {
    cut(complete ? read.to : builder_.last_position());
  }
  shared_.finish(read, rows, complete || from == read.to);
}

/// Hands over what comes before a large event, and then that one alone.
void HistoryReader::read_large(HistoryRead& read, std::int64_t position, const std::function<void(std::int64_t)>& cut) {
  if (read.progress < position - 1) {
    cut(position - 1);
  }
  append_large_row(*connection_, *store_, position, builder_, [&](std::size_t bytes) { shared_.reserve(read, bytes); });
  shared_.reserve(read, 0);
  cut(position);
}

/// Hands over what comes before the event, and tells why nothing comes after it.
void HistoryReader::stop_before(const HistoryRead& read, const UnreadableEvent& event,
                                const std::function<void()>& cut) {
  if (!builder_.empty() && builder_.last_position() < event.position()) {
    cut();
  }
  const std::string reason = explain(event, *store_);
  if (reason != reported_reason_ && options_.report) {
    options_.report(true, reason);
  }
  reported_reason_ = reason;
  shared_.unreadable(read, event.position(), reason);
  shared_.finish(read, 0, false);
}

} // namespace projector::eventlog
