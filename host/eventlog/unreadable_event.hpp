#pragma once

#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace projector::eventlog {

/// One row of the events table that cannot be handed over as an event. what() says what is wrong with it.
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

/// Whether a query that reads events can have failed with this because of one row: a value that does not convert, a
/// damaged one, one that is too large.
bool may_be_of_one_row(const pg::Error& error);

/// What the server cannot give out of the row at this position; nothing where it can now. Throws pg::Error,
/// pg::Interrupted.
std::optional<UnreadableEvent> find_unreadable(pg::Connection& connection, const Store& store, std::int64_t position);

/// For people: where the event is, what is wrong with it, what waits for it, and the cure.
std::string explain(const UnreadableEvent& event, const Store& store);

} // namespace projector::eventlog
