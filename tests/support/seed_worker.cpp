#include "support/seed_worker.hpp"

#include "base/fnv1a.hpp"
#include "base/stop.hpp"
#include "projection/checkpoint.hpp"

#include <vector>

namespace projector::test {

SeedWorker::SeedWorker(const std::string& dsn, std::string name, std::uint32_t partition, std::uint32_t partitions)
    : name_(projection::CheckpointKey{std::move(name), partition, partitions}.name()), partition_(partition),
      partitions_(partitions), connection_({.dsn = dsn, .settings = {}}, base::no_stop()) {
  connection_.script("SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS projection_checkpoints "
                     "(projection_name TEXT PRIMARY KEY, last_global_position BIGINT NOT NULL DEFAULT 0, updated_at "
                     "TIMESTAMPTZ NOT NULL DEFAULT now()); CREATE TABLE IF NOT EXISTS seed_seen (global_position "
                     "bigint, partition int)");
}

std::size_t SeedWorker::run_batch(int limit) {
  connection_.exec("BEGIN");
  const auto row =
      connection_.exec("SELECT last_global_position FROM projection_checkpoints WHERE projection_name = $1",
                       pg::Parameters{}.text(name_));
  const auto events = connection_.exec("SELECT global_position, aggregate_id FROM events WHERE global_position > $1 "
                                       "ORDER BY global_position LIMIT $2",
                                       pg::Parameters{}.int8(row.rows() == 0 ? 0 : row.int8(0, 0)).int8(limit));
  std::vector<std::int64_t> handled;
  for (std::size_t n = 0; n < events.rows(); ++n) {
    if (base::fnv1a32(events.bytes(n, 1)) % partitions_ == partition_) {
      handled.push_back(events.int8(n, 0));
    }
  }
  connection_.exec("INSERT INTO seed_seen SELECT position, $2 FROM unnest($1::bigint[]) AS position",
                   pg::Parameters{}.int8_array(handled).int4(static_cast<std::int32_t>(partition_)));
  if (events.rows() > 0) {
    connection_.exec(
        "INSERT INTO projection_checkpoints VALUES ($1, $2, now()) ON CONFLICT (projection_name) DO UPDATE "
        "SET last_global_position = excluded.last_global_position, updated_at = excluded.updated_at",
        pg::Parameters{}.text(name_).int8(events.int8(events.rows() - 1, 0)));
  }
  connection_.exec("COMMIT");
  return events.rows();
}

void SeedWorker::run_until_caught_up() {
  while (run_batch() > 0) {
  }
}

} // namespace projector::test
