#include "seen_events.hpp"

#include "pg/connection.hpp"
#include "support/event_writers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace projector::test {
namespace {

/// FNV-1a of 32 bits by its definition, with the prime 2^24 + 2^8 + 0x93 taken apart.
std::uint32_t hash_of(std::string_view text) {
  std::uint64_t hash = 2166136261;
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash = ((hash << 24) + (hash << 8) + hash * 0x93) % (std::uint64_t{1} << 32);
  }
  return static_cast<std::uint32_t>(hash);
}

} // namespace

void make_seen_table(const std::string& dsn, const std::string& projection) {
  pg::Connection({.dsn = dsn, .settings = {}}, base::no_stop())
      .script(fmt::format("CREATE TABLE {}_seen (projection text NOT NULL, partition integer NOT NULL, global_position "
                          "bigint PRIMARY KEY, n bigserial, writer text DEFAULT current_setting('application_name'), "
                          "at timestamptz DEFAULT clock_timestamp())",
                          projection));
}

void expect_seen_once_in_order(const std::string& dsn, const std::string& projection, std::uint32_t partitions) {
  pg::Connection connection({.dsn = dsn, .settings = {}}, base::no_stop());
  // The position is the primary key: what is handled twice would never get this far.
  EXPECT_EQ(read_model_difference(dsn, "recorder", projection), 0) << projection;
  EXPECT_EQ(connection
                .exec(fmt::format("SELECT count(*) FROM (SELECT lag(n) OVER (PARTITION BY partition ORDER BY "
                                  "global_position) > n AS late FROM {}_seen) AS t WHERE late",
                                  projection))
                .int8(0, 0),
            0)
      << projection << ": out of order";
  const auto homes = connection.exec(fmt::format(
      "SELECT DISTINCT aggregate_id, partition FROM {}_seen JOIN events USING (global_position)", projection));
  EXPECT_GT(homes.rows(), 0u);
  for (std::size_t row = 0; row < homes.rows(); ++row) {
    EXPECT_EQ(homes.int8(row, 1), hash_of(homes.bytes(row, 0)) % partitions)
        << projection << ": events of " << homes.bytes(row, 0);
  }
}

void expect_right(const std::string& dsn, const std::string& plugin) {
  EXPECT_EQ(read_model_difference(dsn, plugin, plugin), 0) << plugin;
}

} // namespace projector::test
