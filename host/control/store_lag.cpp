#include "control/store_lag.hpp"

#include "eventlog/schema.hpp"
#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"
#include "pg/transaction.hpp"

#include <fmt/format.h>

namespace projector::control {
namespace {

StoreLag trouble(std::string text) {
  StoreLag lag;
  lag.trouble = std::move(text);
  return lag;
}

StoreLag read(pg::Connection& connection, const std::string& events_table, const std::vector<std::int64_t>& positions) {
  const pg::Transaction transaction(connection, eventlog::begin_reading());
  const auto rows = connection.exec(eventlog::lag_query(events_table), pg::Parameters{}.int8_array(positions));
  StoreLag lag;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    lag.last_position = rows.int8(row, 1);
    if (!rows.is_null(row, 0)) {
      lag.behind[rows.int8(row, 0)] = base::Duration(rows.is_null(row, 2) ? 0 : rows.int8(row, 2));
    }
  }
  return lag;
}

} // namespace

StoreLag read_store_lag(const config::EventStore& store, const std::vector<std::int64_t>& positions,
                        const base::Stop& stop) {
  try {
    pg::ConnectOptions options;
    options.dsn = store.dsn;
    options.application_name = "projectorctl";
    pg::Connection connection(options, stop);
    try {
      return read(connection, store.events_table, positions);
    } catch (const pg::Error& error) {
      if (!error.is("42501")) {
        throw;
      }
      const auto role = connection.exec("SELECT quote_ident(current_user)");
      return trouble(fmt::format("{}; run GRANT SELECT ON {} TO {} as its owner", error.what(), store.events_table,
                                 role.bytes(0, 0)));
    }
  } catch (const pg::Error& error) {
    return trouble(error.is("42P01")
                       ? fmt::format("the event store has no table {}; check event_store.events_table, or "
                                     "make it with projectorctl schema apply",
                                     store.events_table)
                       : error.what());
  }
}

} // namespace projector::control
