#include "eventlog/history_run.hpp"

#include "eventlog/large_rows.hpp"
#include "eventlog/row_decoder.hpp"

#include <fmt/core.h>

#include <string>
#include <vector>

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

std::string statement(const HistoryRead& read, const std::string& columns, const std::string& table, std::int64_t after,
                      std::int64_t limit, pg::Parameters& parameters) {
  std::string sql =
      fmt::format("SELECT {} FROM {} WHERE global_position > $1 AND global_position <= $2", columns, table);
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

HistoryRun::HistoryRun(pg::Connection& connection, const Store& store, SharedLog& shared, SegmentBuilder& builder,
                       HistoryRead& read, const base::Stop& stop)
    : connection_(connection), store_(store), shared_(shared), builder_(builder), read_(read), stop_(stop),
      from_(read.after) {
  builder_.clear();
}

std::optional<UnreadableEvent> HistoryRun::run() {
  try {
    query();
    if (large_ && wanted_ && !unreadable_) {
      read_large();
    }
  } catch (const pg::Error& error) {
    if (!may_be_of_one_row(error)) {
      throw;
    }
    find_cause(error);
  }
  if (unreadable_) {
    // Nothing is above it; a row of the same position may be among those that were read.
    if (!builder_.empty() && builder_.last_position() >= unreadable_->position()) {
      builder_.drop_last();
    }
    if (wanted_ && from_ < unreadable_->position() - 1) {
      cut(unreadable_->position() - 1);
    }
  } else if (wanted_ && !large_ && !more_) {
    cut(read_.to);
  } else if (wanted_ && !builder_.empty()) {
    cut(builder_.last_position());
  }
  return unreadable_;
}

/// One row more than the limit, so that two rows of one position are never parted. Measuring each text costs the server
/// 4 % of a read of small events.
void HistoryRun::query() {
  const bool only_small_text = connection_.exec("SELECT " + store_.only_small_text_sql).boolean(0, 0);
  const std::string columns = only_small_text ? kEventColumns : event_columns_without_large_text(kSegmentBytes);
  pg::Parameters parameters;
  const std::string sql = statement(read_, columns, store_.table, read_.after, read_.limit + 1, parameters);
  connection_.stream(sql, parameters, pg::Format::Binary, [&](const pg::Result& row) {
    try {
      return take(row);
    } catch (const UnreadableEvent& event) {
      unreadable_ = event;
      return false;
    }
  });
}

bool HistoryRun::take(const pg::Result& row) {
  if (rows_ == read_.limit) {
    refuse_repeated(decode_position(row.get(), 0));
    more_ = true;
    return true; // it is the last one
  }
  const projector_event event = decode_row(row.get(), 0);
  refuse_repeated(event.global_position);
  if (lacks_text(event)) {
    large_ = event.global_position;
    return false;
  }
  return append(event);
}

void HistoryRun::refuse_repeated(std::int64_t position) const {
  if (rows_ > 0 && position == last_position()) {
    throw UnreadableEvent(position, "global_position", "another row has the same position");
  }
}

bool HistoryRun::append(const projector_event& event) {
  if (builder_.full_for(text_bytes(event))) {
    cut(builder_.last_position());
    if (!wanted_) {
      return false;
    }
  }
  builder_.append(event);
  ++rows_;
  return true;
}

/// The query has failed because of the row behind those that have come, in order.
void HistoryRun::find_cause(const pg::Error& error) {
  pg::Parameters parameters;
  const auto row =
      connection_.exec(statement(read_, "global_position", store_.table, last_position(), 1, parameters), parameters);
  if (row.rows() != 0) {
    unreadable_ = find_unreadable(connection_, store_, row.int8(0, 0));
  }
  if (!unreadable_) {
    throw error;
  }
}

/// Hands over what comes before the large event, and then that one alone.
void HistoryRun::read_large() {
  if (from_ < *large_ - 1) {
    cut(*large_ - 1);
  }
  if (!wanted_) {
    return;
  }
  const auto make_room = [&](std::size_t bytes) { return shared_.make_room(read_, bytes, stop_); };
  try {
    if (append_large_row(connection_, store_, *large_, builder_, make_room) == LargeRow::Refused) {
      return;
    }
  } catch (const UnreadableEvent& event) {
    unreadable_ = event;
    return;
  }
  shared_.release(read_);
  ++rows_;
  cut(*large_);
}

void HistoryRun::cut(std::int64_t to) {
  wanted_ = shared_.deliver(read_, builder_.finish(from_, to, read_.incarnation, read_.began));
  from_ = to;
}

std::int64_t HistoryRun::last_position() const {
  return builder_.empty() ? from_ : builder_.last_position();
}

} // namespace projector::eventlog
