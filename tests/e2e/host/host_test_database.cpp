#include "host_test.hpp"

#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <exception>

namespace projector::test {

std::string store_with_events(std::uint64_t events) {
  const std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  if (events > 0) {
    EventWriters(dsn, {.writers = 2, .events = events, .seed = 5}).join();
  }
  return dsn;
}

bool becomes(const std::string& dsn, const std::string& sql, const std::string& value) {
  return eventually([&] {
    try {
      return query_value(dsn, sql) == value;
    } catch (const std::exception&) {
      return false;
    }
  });
}

std::string state_of(const std::string& name) {
  return fmt::format("SELECT state FROM projector_workers WHERE name = '{}'", name);
}

std::string reason_of(const std::string& name) {
  return fmt::format("SELECT reason FROM projector_workers WHERE name = '{}'", name);
}

} // namespace projector::test
