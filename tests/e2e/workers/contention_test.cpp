#include "seen_events.hpp"
#include "support/event_writers.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>

namespace projector::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Events of few aggregates, few users and three currencies on three days, so that all partitions add to the same rows.
void append_events(const std::string& dsn, std::uint64_t events) {
  query_value(
      dsn,
      fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                  "event_type, payload, created_at) SELECT 'shop', CASE WHEN i % 4 = 0 THEN 'User' ELSE 'Order' "
                  "END, 'a' || i % 37, i, gen_random_uuid(), CASE i % 4 WHEN 0 THEN 'UserCreated' WHEN 3 THEN "
                  "'OrderShipped' ELSE 'OrderPlaced' END, convert_to(format('{{\"amount\":\"%s\",\"currency\":"
                  "\"%s\"}}', i % 1000 / 100.0, (ARRAY['EUR', 'GBP', 'USD'])[1 + i % 3]), 'UTF8'), now() - "
                  "i / 3 % 3 * interval '1 day' FROM generate_series(1, {}) i",
                  events));
}

TEST(Contention, PartitionsThatShareRowsDoNotDeadlock) {
  const std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  const auto events = size_of_run(20000, 1000000);
  append_events(dsn, events);
  // Batches that are small for so many events: many transactions meet.
  WorkerGroup workers(
      dsn, 4, kShippedPlugins,
      projection_tables(kShippedPlugins, fmt::format("partitions = 4\nbatch_size = {}\n", size_of_run(20, 100))));
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint32_t id = 0; id < 4; ++id) {
    workers.start(id, {"--until-caught-up", "--timeout", "600s"});
  }
  for (std::uint32_t id = 0; id < 4; ++id) {
    EXPECT_EQ(workers[id].wait(), 0) << workers[id].log();
    EXPECT_THAT(workers[id].log(), Not(HasSubstr("deadlock")));
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  // A session counts its deadlocks at its end.
  EXPECT_TRUE(becomes(dsn,
                      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                      "pg_backend_pid()",
                      "0"));
  EXPECT_EQ(query_value(dsn, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
  for (const auto& plugin : kShippedPlugins) {
    expect_right(dsn, plugin);
  }
  EXPECT_EQ(query_value(dsn, "SELECT count(*) FROM revenue_totals"), "9");
  fmt::print("4 workers, {} events, {} plugins of 4 partitions on the same rows: {:.1f} s, {:.0f} events/s each\n",
             events, kShippedPlugins.size(), taken.count(), static_cast<double>(events) / taken.count());
}

} // namespace
} // namespace projector::test
