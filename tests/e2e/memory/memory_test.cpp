#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace projector::test {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
/// The program itself, its threads, sessions and libraries.
constexpr std::uint64_t kProgram = 32 * kMiB;
constexpr std::uint64_t kFeed = 32 * kMiB;
constexpr std::uint64_t kBatch = 4 * kMiB;
constexpr std::uint64_t kHuge = 24 * kMiB;

/// The highest resident memory that a process has had.
std::uint64_t peak_memory(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stoull(line.substr(6)) * 1024;
    }
  }
  return 0;
}

/// What the host has in memory, measured from outside, is feed.memory and, for each worker, the larger of batch_bytes
/// and its biggest event.
class Memory : public testing::Test {
protected:
  Memory()
      : dsn_(PrivatePostgres::shared().create_database()),
        host_(dsn_, fmt::format("[feed]\nmemory = \"{}MiB\"\n[defaults]\nbatch_bytes = \"{}MiB\"\nbatch_size = 1000\n",
                                kFeed / kMiB, kBatch / kMiB)) {
    create_event_store(dsn_);
  }

  void append(const std::string& type, std::uint64_t events, std::uint64_t bytes, std::uint64_t metadata = 0) {
    query_value(dsn_, fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, "
                                  "aggregate_version, event_id, event_type, payload, metadata) SELECT 'shop', 'Order', "
                                  "gen_random_uuid(), i, gen_random_uuid(), '{}', convert_to(repeat('x', {}), 'UTF8'), "
                                  "CASE WHEN {} > 0 THEN jsonb_build_object('note', repeat('y', {})) END "
                                  "FROM generate_series(1, {}) i",
                                  type, bytes, metadata, metadata, events));
  }
  /// Two projections that share what is read, one of them with a filter.
  void start_two() {
    add("first", "noop");
    add("second", "orders_only");
    host_.start();
  }
  void both_reach_the_newest() {
    ASSERT_TRUE(reaches("first", newest())) << host_.log();
    ASSERT_TRUE(reaches("second", newest())) << host_.log();
  }
  std::string newest() { return query_value(dsn_, "SELECT max(global_position) FROM events"); }
  void add(const std::string& projection, const std::string& plugin, const std::string& start_from = "\"beginning\"") {
    host_.install_plugin(plugin);
    host_.write_projection_file(
        projection, fmt::format("[projection.{}]\nplugin = \"{}\"\nstart_from = {}\n", projection, plugin, start_from));
    ++workers_;
  }
  bool reaches(const std::string& projection, const std::string& position) {
    return eventually(
        [&] {
          try {
            return query_value(dsn_, fmt::format("SELECT position FROM projector_checkpoints WHERE name = '{}'",
                                                 projection)) == position;
          } catch (const std::exception&) {
            return false; // the table is not there yet
          }
        },
        std::chrono::seconds(120));
  }
  /// A sanitizer keeps freed memory and pads every allocation, so that resident memory says nothing of the host then.
  void expect_within_bound(std::uint64_t biggest_event) {
    const std::uint64_t bound = kProgram + kFeed + workers_ * std::max(kBatch, biggest_event);
    const std::uint64_t peak = peak_memory(host_.pid());
    if (std::string_view(PROJECTOR_TEST_SANITIZE).empty()) {
      EXPECT_LE(peak / kMiB, bound / kMiB) << "MiB";
    }
    RecordProperty("peak_mib", static_cast<int>(peak / kMiB));
  }

  const std::string dsn_;
  HostProcess host_;
  std::uint64_t workers_ = 0;
};

TEST_F(Memory, AFilteredStragglerAtLargeEvents) {
  append("OrderPlaced", 2000, kMiB / 4);
  add("live", "noop", "\"end\"");
  host_.start();
  ASSERT_TRUE(reaches("live", newest())) << host_.log();
  append("OrderShipped", 120000, 100); // from which the host learns how large events are
  ASSERT_TRUE(reaches("live", newest())) << host_.log();
  add("behind", "orders_only");
  ASSERT_TRUE(reaches("behind", newest())) << host_.log();
  EXPECT_EQ(query_value(dsn_, "SELECT count(*) FROM behind_seen"), "2000");
  expect_within_bound(kMiB / 4);
}

TEST_F(Memory, SeveralFilteredStragglersFarApart) {
  for (int group = 0; group < 4; ++group) {
    append("OrderPlaced", 400, kMiB / 4);
    append("OrderShipped", 70000, 100);
  }
  add("live", "noop", "\"end\"");
  host_.start();
  ASSERT_TRUE(reaches("live", newest())) << host_.log();
  append("OrderShipped", 70000, 100);
  ASSERT_TRUE(reaches("live", newest())) << host_.log();
  for (int group = 0; group < 4; ++group) {
    add(fmt::format("behind{}", group), "orders_only", group == 0 ? "\"beginning\"" : std::to_string(group * 70400));
  }
  for (int group = 0; group < 4; ++group) {
    ASSERT_TRUE(reaches(fmt::format("behind{}", group), newest())) << host_.log();
  }
  EXPECT_EQ(query_value(dsn_, "SELECT count(*) FROM behind0_seen"), "1600");
  expect_within_bound(kMiB / 4);
}

TEST_F(Memory, LargeEventsBehindSmallOnesForEverybody) {
  append("OrderShipped", 120000, 100);
  append("OrderPlaced", 1000, kMiB / 4);
  append("OrderShipped", 1000, 100);
  start_two();
  both_reach_the_newest();
  expect_within_bound(kMiB / 4);
}

TEST_F(Memory, LargeEventsAboveAGapThatIsFilledBitByBit) {
  append("OrderShipped", 1000, 100);
  add("live", "noop");
  host_.start();
  ASSERT_TRUE(reaches("live", newest())) << host_.log();
  for (int round = 0; round < 10; ++round) {
    append("OrderShipped", 20000, 10);
    append("OrderPlaced", 100, kMiB / 4);
  }
  ASSERT_TRUE(reaches("live", newest())) << host_.log();
  expect_within_bound(kMiB / 4);
}

TEST_F(Memory, HugeEventsInTheBacklog) {
  append("OrderShipped", 1000, 100);
  append("OrderPlaced", 6, kHuge);
  append("OrderShipped", 1000, 100);
  start_two();
  both_reach_the_newest();
  expect_within_bound(kHuge);
}

TEST_F(Memory, HugeEventsWhileTheyAreLive) {
  append("OrderPlaced", 10, 100);
  start_two();
  both_reach_the_newest();
  for (int round = 0; round < 3; ++round) {
    append("OrderPlaced", 1, kHuge);
    append("OrderShipped", 100, 100);
    append("OrderPlaced", 2, kHuge);
  }
  both_reach_the_newest();
  expect_within_bound(kHuge);
}

TEST_F(Memory, HugeMetadataInTheBacklogAndLive) {
  append("OrderShipped", 1000, 100);
  append("OrderPlaced", 4, 100, kHuge);
  start_two();
  both_reach_the_newest();
  append("OrderPlaced", 2, 100, kHuge);
  append("OrderPlaced", 2, kHuge / 2, kHuge / 2);
  both_reach_the_newest();
  expect_within_bound(kHuge);
}

TEST_F(Memory, HugeEventsAtTwoPlacesAtOnce) {
  append("OrderPlaced", 6, kHuge);
  append("OrderShipped", 100000, 100);
  append("OrderPlaced", 6, kHuge);
  add("first", "slow");
  add("second", "orders_only", "100006");
  host_.start();
  both_reach_the_newest();
  expect_within_bound(kHuge);
}

TEST_F(Memory, EventsLargerThanTheFeed) {
  constexpr std::uint64_t kLargerThanTheFeed = 2 * kFeed;
  append("OrderPlaced", 4, kLargerThanTheFeed);
  append("OrderShipped", 100, 100);
  start_two();
  both_reach_the_newest();
  append("OrderPlaced", 2, kLargerThanTheFeed);
  both_reach_the_newest();
  expect_within_bound(kLargerThanTheFeed);
}

} // namespace
} // namespace projector::test
