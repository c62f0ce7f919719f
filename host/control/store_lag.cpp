#include "control/store_lag.hpp"

#include "eventlog/schema.hpp"
#include "eventlog/store_check.hpp"
#include "pg/transaction.hpp"

#include <fmt/format.h>

namespace projector::control {

StoreLag read_store_lag(const config::EventStore& store, const std::vector<std::int64_t>& positions,
                        const base::Stop& stop) {
  StoreLag lag;
  try {
    pg::ConnectOptions options;
    options.dsn = store.dsn;
    options.application_name = "projectorctl";
    pg::Connection connection(options, stop);
    const pg::Transaction transaction(connection, eventlog::begin_reading());
    const auto rows = connection.exec(eventlog::lag_query(store.events_table), pg::Parameters{}.int8_array(positions));
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      lag.last_position = rows.int8(row, 1);
      if (!rows.is_null(row, 0)) {
        lag.behind[rows.int8(row, 0)] = base::Duration(rows.is_null(row, 2) ? 0 : rows.int8(row, 2));
      }
    }
  } catch (const pg::Error& error) {
    lag = {};
    lag.trouble = error.is("42P01") ? fmt::format("the event store has no table {}; check event_store.events_table, or "
                                                  "make it with projectorctl schema apply",
                                                  store.events_table)
                                    : error.what();
  }
  return lag;
}

} // namespace projector::control
