#include "hot_test.hpp"

#include "base/stop.hpp"
#include "pg/quote.hpp"
#include "replacement.hpp"
#include "support/event_writers.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

namespace projector::test {
namespace {

std::string new_store(PrivatePostgres& server) {
  const std::string dsn = server.create_database();
  create_event_store(dsn);
  return dsn;
}

} // namespace

HotTest::HotTest(PrivatePostgres& server, const std::string& main_file)
    : dsn_(new_store(server)), host_(dsn_, main_file) {
  pg::ConnectOptions options;
  options.dsn = dsn_;
  options.application_name = "test";
  connection_ = std::make_unique<pg::Connection>(options, base::no_stop());
}

void HotTest::append(std::uint64_t events) {
  connection_->exec(fmt::format(
      "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
      "payload) SELECT 'shop', 'Order', 'order-' || i % 50, (SELECT coalesce(max(global_position), 0) FROM events) + "
      "i, "
      "gen_random_uuid(), 'OrderPlaced', convert_to('{{\"order_id\":\"1\",\"amount\":\"1.10\",\"currency\":\"EUR\"}}', "
      "'UTF8') FROM generate_series(1, {}) i",
      events));
}

std::string HotTest::value(const std::string& sql) {
  const auto result = connection_->exec(sql);
  return result.rows() == 0 || result.is_null(0, 0) ? "" : std::string(result.bytes(0, 0));
}

bool HotTest::becomes(const std::string& sql, const std::string& expected) {
  return eventually([&] {
    try {
      return value(sql) == expected;
    } catch (const pg::Error&) {
      return false; // a table that the host or a plugin has not made yet
    }
  });
}

std::string HotTest::shown(const std::string& projection, const std::string& column) {
  return value(fmt::format("SELECT string_agg(DISTINCT {}::text, ',') FROM projector_workers WHERE projection = '{}'",
                           column, projection));
}

bool HotTest::shows(const std::string& projection, const std::string& column, const std::string& expected) {
  return becomes(fmt::format("SELECT coalesce(string_agg(DISTINCT {}::text, ','), '') FROM projector_workers WHERE "
                             "projection = '{}'",
                             column, projection),
                 expected);
}

bool HotTest::shows_reason(const std::string& projection, const std::string& part) {
  return becomes(fmt::format("SELECT bool_and(strpos(reason, {}) > 0) FROM projector_workers WHERE projection = '{}'",
                             pg::quote_literal(part), projection),
                 "t");
}

bool HotTest::is_live(const std::string& projection, std::uint64_t generation) {
  const std::string last = value("SELECT coalesce(max(global_position), 0) FROM events");
  return becomes(fmt::format("SELECT bool_and(state = 'live' AND generation = {} AND reason = '') AND (SELECT "
                             "min(position) FROM projector_checkpoints WHERE checkpoint = '{}') >= {} FROM "
                             "projector_workers WHERE projection = '{}'",
                             generation, projection, last, projection),
                 "t");
}

bool HotTest::passes_trial(const std::string& projection, std::uint64_t generation, std::uint64_t events) {
  if (!shows_reason(projection, fmt::format("generation {} is on trial until its first batch", generation))) {
    return false;
  }
  append(events);
  return is_live(projection, generation);
}

bool HotTest::caught_up() {
  return eventually(
      [&] {
        return value("SELECT min(position) >= (SELECT coalesce(max(global_position), 0) FROM events) FROM "
                     "projector_checkpoints") == "t";
      },
      std::chrono::seconds(60));
}

std::int64_t HotTest::difference(const std::string& projection) {
  return read_model_difference(dsn_, "recorder", projection);
}

void HotTest::wait_for_scan() {
  const std::string name = fmt::format("dropped_{:03}", ++probes_);
  host_.install_renamed(built_plugin(".", "dropped_000"), name);
  ASSERT_TRUE(shows(name, "state", "live")) << everything();
}

std::string HotTest::everything() {
  std::string workers;
  try {
    workers = value("SELECT string_agg(format('%s: %s, generation %s of %s %s, %s', name, state, generation, plugin, "
                    "plugin_version, reason), E'\\n' ORDER BY name) FROM projector_workers");
  } catch (const pg::Error& error) {
    workers = error.what();
  }
  return workers + "\n" + host_.log();
}

} // namespace projector::test
