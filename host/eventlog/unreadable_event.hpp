#pragma once

#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace projector::eventlog {

/// One row of the events table that cannot be read as an event. what() says what is wrong with it.
class UnreadableEvent : public std::runtime_error {
public:
  UnreadableEvent(std::int64_t position, std::string column, const std::string& found)
      : std::runtime_error(found), position_(position), column_(std::move(column)) {}
  [[nodiscard]] std::int64_t position() const noexcept { return position_; }
  [[nodiscard]] const std::string& column() const noexcept { return column_; }

private:
  std::int64_t position_;
  std::string column_;
};

/// Whether one row may have caused this error of a query that reads events: a value that cannot be converted, or a
/// damaged or too large one.
bool may_be_of_one_row(const pg::Error& error);

/// The value that the server cannot read in the row at this position; nothing if it can read the row now. Throws
/// pg::Error, pg::Interrupted.
std::optional<UnreadableEvent> find_unreadable(pg::Connection& connection, const Store& store, std::int64_t position);

/// A message for operators: where the event is, what is wrong with it, and the cure.
std::string explain(const UnreadableEvent& event, const Store& store);

} // namespace projector::eventlog
