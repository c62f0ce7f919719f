#include "support/event_writers.hpp"

#include "base/stop.hpp"
#include "eventlog/schema.hpp"
#include "pg/connection.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>
#include <random>
#include <stdexcept>

namespace projector::test {
namespace {

using Connection = pg::Connection;

std::unique_ptr<Connection> connect(const std::string& dsn) {
  pg::ConnectOptions options;
  options.dsn = dsn;
  options.application_name = "writer";
  return std::make_unique<Connection>(options, base::no_stop());
}

/// One writer's transactions. Each returns how many events it has committed.
class Writer {
public:
  Writer(Connection& connection, std::uint32_t seed, std::uint32_t id, bool two_phase)
      : connection_(connection), random_(seed), id_(id), two_phase_(two_phase) {}

  std::uint64_t transaction() {
    switch (pick(two_phase_ ? 11 : 10)) {
    case 0:
    case 1:
    case 2:
      connection_.script(insert(1));
      return 1;
    case 3:
      return held(3);
    case 4:
      return drawn_ahead();
    case 5:
      connection_.script("BEGIN; " + insert(2) + "; ROLLBACK");
      return 0;
    case 6:
      connection_.script("BEGIN; " + insert(1) + "; SAVEPOINT s; " + insert(2) + "; ROLLBACK TO s; " + insert(1) +
                         "; COMMIT");
      return 2;
    case 7:
      connection_.script(insert(1) + "; " + insert(1) + " ON CONFLICT DO NOTHING");
      return 2;
    case 8:
      connection_.script(insert(20));
      return 20;
    case 9:
      return by_function();
    default:
      return prepared();
    }
  }

private:
  std::uint32_t pick(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }

  /// A statement of `rows` new events, with fresh aggregates so that versions never collide.
  std::string insert(std::uint32_t rows, const std::string& position = "") {
    return fmt::format(
        "INSERT INTO events ({0}bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
        "event_type, "
        "payload) SELECT {1}'shop', CASE WHEN k = 0 THEN 'User' ELSE 'Order' END, 'a' || ({2} + i)::text, 1 + "
        "floor(random() * 1e15)::bigint, gen_random_uuid(), CASE k WHEN 0 THEN 'UserCreated' WHEN 1 THEN 'OrderPlaced' "
        "ELSE 'OrderShipped' END, convert_to(format('{{\"order_id\":\"%s\",\"amount\":\"%s\",\"currency\":\"%s\"}}', "
        "i, "
        "(random() * 1000)::numeric(12,2), CASE WHEN random() < 0.5 THEN 'EUR' ELSE 'USD' END), 'UTF8') FROM (SELECT "
        "i, "
        "floor(random() * 3)::int AS k FROM generate_series(1, {3}) i OFFSET 0) AS rows",
        position.empty() ? "" : "global_position, ", position, pick(500), rows);
  }

  /// Keeps the transaction open while others go on.
  std::string hold() { return fmt::format("; SELECT pg_sleep({}); ", pick(4000) / 1e6); }

  std::uint64_t held(std::uint32_t rows) {
    const bool keep = pick(4) != 0;
    connection_.script("BEGIN; " + insert(rows) + hold() + (keep ? "COMMIT" : "ROLLBACK"));
    return keep ? rows : 0;
  }

  std::uint64_t drawn_ahead() {
    connection_.script("BEGIN");
    const auto drawn = connection_.exec("SELECT nextval('events_global_position_seq')").int8(0, 0);
    connection_.script("SELECT 1" + hold() + insert(1, fmt::format("{}, ", drawn)) + "; COMMIT");
    return 1;
  }

  std::uint64_t by_function() {
    connection_.script("DO $do$ BEGIN " + insert(3) + "; END $do$");
    return 3;
  }

  std::uint64_t prepared() {
    const std::string gid = fmt::format("writer_{}_{}_{}", id_, ++prepared_, random_());
    connection_.script("BEGIN; " + insert(2) + fmt::format("; PREPARE TRANSACTION '{}'", gid));
    const bool keep = pick(4) != 0;
    connection_.script(fmt::format("{} PREPARED '{}'", keep ? "COMMIT" : "ROLLBACK", gid));
    return keep ? 2 : 0;
  }

  Connection& connection_;
  std::mt19937 random_;
  std::uint32_t id_;
  bool two_phase_;
  std::uint64_t prepared_ = 0;
};

/// Ends prepared transactions of writers that a crash has left, since every reader would wait for them. `writer` is a
/// number, or % for all writers.
void finish_prepared(Connection& connection, const std::string& writer) {
  const auto left = connection.exec(fmt::format(
      "SELECT gid FROM pg_prepared_xacts WHERE gid LIKE 'writer\\_{}\\_%' AND database = current_database()", writer));
  for (std::size_t row = 0; row < left.rows(); ++row) {
    connection.script(fmt::format("COMMIT PREPARED '{}'", left.bytes(row, 0)));
  }
}

struct Comparison {
  std::string computed;
  std::string stored;
};

Comparison comparison_of(const std::string& plugin, const std::string& projection) {
  if (plugin == "user_counter") {
    return {"SELECT count(*)::numeric FROM events WHERE event_type = 'UserCreated'",
            fmt::format("SELECT coalesce(sum(users), 0) FROM {}_by_partition", projection)};
  }
  if (plugin == "revenue") {
    return {"SELECT (created_at AT TIME ZONE 'UTC')::date, p ->> 'currency', count(*), sum((p ->> 'amount')::numeric) "
            "FROM (SELECT created_at, convert_from(payload, 'UTF8')::jsonb AS p FROM events WHERE event_type = "
            "'OrderPlaced') o GROUP BY 1, 2",
            fmt::format("SELECT day, currency, orders, amount FROM {}_totals", projection)};
  }
  if (plugin == "activity_log") {
    return {"SELECT global_position, event_id, event_type, aggregate_id, created_at FROM events",
            fmt::format("SELECT global_position, event_id, event_type, aggregate_id, created_at FROM {}_entries",
                        projection)};
  }
  if (plugin == "rust_sample") {
    return {"SELECT event_type, count(*) FROM events GROUP BY 1",
            fmt::format("SELECT event_type, events FROM {}_counts", projection)};
  }
  if (plugin == "recorder") {
    return {"SELECT global_position FROM events", fmt::format("SELECT global_position FROM {}_seen", projection)};
  }
  throw std::logic_error("no comparison is known for the plugin " + plugin);
}

} // namespace

void create_event_store(const std::string& dsn) {
  connect(dsn)->script(eventlog::store_schema("events", ""));
}

EventWriters::EventWriters(std::string dsn, Options options) : dsn_(std::move(dsn)), options_(options) {
  for (std::uint32_t writer = 0; writer < options_.writers; ++writer) {
    threads_.emplace_back([this, writer] { write(writer); });
  }
}

EventWriters::~EventWriters() {
  stop_ = true;
  threads_.clear();
}

void EventWriters::join() {
  threads_.clear();
  finish_prepared(*connect(dsn_), "%");
}

void EventWriters::write(std::uint32_t writer) {
  std::uint32_t life = 0;
  while (!stop_ && !done()) {
    try {
      const auto connection = connect(dsn_);
      finish_prepared(*connection, std::to_string(writer));
      connection->script(options_.asynchronous ? "SET synchronous_commit = off" : "SET synchronous_commit = on");
      Writer transactions(*connection, options_.seed * 1000 + writer * 100 + life++, writer, options_.two_phase);
      while (!stop_ && !done()) {
        written_ += transactions.transaction();
        if (options_.pause_us > 0) {
          connection->exec(fmt::format("SELECT pg_sleep({})", options_.pause_us / 1e6));
        }
      }
      return;
    } catch (const pg::Error&) {
      // The test has stopped or crashed the server: go on when it is back.
      eventually([&] { return stop_ || ::PQping(dsn_.c_str()) == PQPING_OK; });
    }
  }
}

std::int64_t read_model_difference(const std::string& dsn, const std::string& plugin, const std::string& projection) {
  const auto [computed, stored] = comparison_of(plugin, projection);
  return connect(dsn)
      ->exec(fmt::format(
          "SELECT count(*) FROM ((({0}) EXCEPT ALL ({1})) UNION ALL (({1}) EXCEPT ALL ({0}))) AS difference", computed,
          stored))
      .int8(0, 0);
}

std::string query_value(const std::string& dsn, const std::string& sql) {
  const auto result = connect(dsn)->exec(sql);
  return result.rows() == 0 || result.is_null(0, 0) ? "" : std::string(result.bytes(0, 0));
}

} // namespace projector::test
