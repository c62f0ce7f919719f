#include "eventlog/unreadable_event.hpp"

#include "eventlog/row_decoder.hpp"
#include "pg/quote.hpp"

#include <fmt/core.h>

#include <string_view>
#include <vector>

namespace projector::eventlog {
namespace {

/// Splits kEventColumns at its commas.
std::vector<std::string_view> column_expressions() {
  std::vector<std::string_view> expressions;
  std::string_view rest = kEventColumns;
  for (auto comma = rest.find(", "); comma != std::string_view::npos; comma = rest.find(", ")) {
    expressions.push_back(rest.substr(0, comma));
    rest.remove_prefix(comma + 2);
  }
  expressions.push_back(rest);
  return expressions;
}

} // namespace

bool may_be_of_one_row(const pg::Error& error) {
  return !error.connection_lost() && (error.is("22") || error.is("54") || error.is("XX"));
}

std::optional<UnreadableEvent> find_unreadable(pg::Connection& connection, const Store& store, std::int64_t position) {
  for (const std::string_view expression : column_expressions()) {
    try {
      connection.exec(fmt::format("SELECT {} FROM {} WHERE global_position = $1", expression, store.table),
                      pg::Parameters().int8(position), pg::Format::Binary);
    } catch (const pg::Error& error) {
      if (!may_be_of_one_row(error)) {
        throw;
      }
      return UnreadableEvent(position, std::string(expression.substr(0, expression.find(':'))), error.what());
    }
  }
  return std::nullopt;
}

std::string explain(const UnreadableEvent& event, const Store& store) {
  if (event.column() == "global_position") {
    return fmt::format(
        "the event at position {0} of {1} cannot be handled: {2}. Cure: give one of those rows a position "
        "of its own (UPDATE {1} SET global_position = nextval({3}) WHERE event_id = ..), and then: CREATE "
        "UNIQUE INDEX CONCURRENTLY ON {1} (global_position)",
        event.position(), store.table, event.what(), pg::quote_literal(store.sequence));
  }
  return fmt::format("the event at position {0} of {1} cannot be handled: column {2}: {3}. Cure: UPDATE {1} SET {2} = "
                     ".. WHERE global_position = {0}; the projections then go on by themselves",
                     event.position(), store.table, event.column(), event.what());
}

} // namespace projector::eventlog
