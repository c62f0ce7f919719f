#include "hot_test.hpp"
#include "process_memory.hpp"
#include "replacement.hpp"
#include "support/event_writers.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace projector::test {
namespace {

struct Bystander {
  const char* name;
  const char* plugin;
  const char* schema;
  const char* keys;
};
/// What runs beside the projection whose plugin is replaced: ten workers.
constexpr std::array<Bystander, 9> kBystanders{{{"counter", "user_counter", "", "partitions = 2\n"},
                                                {"counter_small", "user_counter", "", "batch_size = 7\n"},
                                                {"log", "activity_log", "", ""},
                                                {"log_reading", "activity_log", "reading", "schema = \"reading\"\n"},
                                                {"log_small", "activity_log", "", "batch_size = 10\n"},
                                                {"seen", "recorder", "", ""},
                                                {"seen_again", "recorder", "", "batch_size = 50\n"},
                                                {"seen_small", "recorder", "", "batch_size = 5\n"},
                                                {"tried", "trial", "", ""}}};

/// Enough for all workers at once, so that no connection is more than the pool keeps.
constexpr const char* kMainFile = "[feed]\nmemory = \"4MiB\"\n[read_model]\npool_size = 12\n";

/// A server that remembers when each transaction was committed.
struct ServerWithCommitTimes {
  PrivatePostgres server{{{"track_commit_timestamp = on"}, false}};
};

class Replacing : private ServerWithCommitTimes, public HotTest {
protected:
  Replacing() : HotTest(server, kMainFile) {
    std::string toml = "[projection.revenue]\n";
    for (const auto& one : kBystanders) {
      host_.install_plugin(one.plugin);
      toml += fmt::format("[projection.{}]\nplugin = \"{}\"\n{}", one.name, one.plugin, one.keys);
    }
    host_.install_plugin("revenue");
    host_.write_projection_file("all", toml);
  }

  bool all_come_to(std::int64_t position) {
    return eventually(
        [&] {
          return value(fmt::format("SELECT count(*) FROM projector_checkpoints WHERE position >= {}", position)) ==
                 "11";
        },
        std::chrono::seconds(120));
  }
  std::int64_t last_event() { return std::stoll("0" + value("SELECT max(global_position) FROM events")); }

  std::string threads() {
    return value("SELECT string_agg(name || ' ' || thread, ', ' ORDER BY name) FROM projector_workers WHERE projection "
                 "<> 'revenue'");
  }
  std::set<std::string> backends() {
    std::istringstream pids(value("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE datname = "
                                  "current_database() AND application_name LIKE 'projectord projection%'"));
    return {std::istream_iterator<std::string>(pids), {}};
  }

  /// The longest time in ms between two commits of one of the read models that keep a row an event.
  double longest_gap(const std::string& from, const std::string& to) {
    double longest = 0;
    for (const char* table : {"log_entries", "reading.log_reading_entries", "log_small_entries", "seen_seen",
                              "seen_again_seen", "seen_small_seen", "tried_seen"}) {
      const auto gap = value(fmt::format(
          "SELECT coalesce(extract(epoch FROM max(gap)) * 1000, 0) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS gap "
          "FROM (SELECT DISTINCT pg_xact_commit_timestamp(xmin) AS at FROM {}) commits WHERE at BETWEEN '{}' AND '{}') "
          "gaps",
          table, from, to));
      longest = std::max(longest, std::stod(gap));
    }
    return longest;
  }

  /// Puts the other build of revenue in place and waits until it has come through its trial.
  void replace(std::uint64_t generation, Way way) {
    const bool second = generation % 2 == 0;
    replace_file(built_plugin(second ? "v2" : "", "revenue"), host_.plugin_directory() / "revenue.so", way);
    ASSERT_TRUE(host_.logs(fmt::format("revenue: the copy of generation {} is removed", generation - 1)))
        << to_string(way) << "\n"
        << everything();
    const auto expected = fmt::format("{} of {}, ", generation, second ? "2.0.0" : "1.0.0");
    ASSERT_TRUE(eventually([&] {
      return value("SELECT format('%s of %s, %s', generation, plugin_version, reason) FROM projector_workers WHERE "
                   "name = 'revenue'") == expected;
    })) << expected
        << everything();
  }

  void expect_every_read_model_right() {
    EXPECT_EQ(read_model_difference(dsn_, "revenue", "revenue"), 0) << everything();
    for (const auto& one : kBystanders) {
      const std::string where = dsn_ + (*one.schema == '\0' ? "" : " options='-c search_path=reading,public'");
      const std::string plugin = std::string(one.plugin) == "trial" ? "recorder" : one.plugin;
      EXPECT_EQ(read_model_difference(where, plugin, one.name), 0) << one.name;
    }
  }
};

TEST_F(Replacing, ReplacingAPluginUnderLoadLosesNothingAndDoublesNothing) {
  const auto replacements = size_of_run(12, 100);
  host_.start({"--set", "event_store.poll_interval=20ms"});
  auto writers =
      std::make_unique<EventWriters>(dsn_, EventWriters::Options{.events = ~std::uint64_t{0}, .pause_us = 20000});
  ASSERT_TRUE(
      becomes("SELECT count(*) FROM projector_workers WHERE state IN ('live', 'catching_up') AND generation = 1", "11"))
      << everything();

  const std::string begin = value("SELECT clock_timestamp()");
  const auto warm = last_event() + static_cast<std::int64_t>(size_of_run(500, 3000));
  ASSERT_TRUE(all_come_to(warm)) << everything();
  const std::string threads_before = threads();
  const auto backends_before = backends();
  const auto copies_before = staged_copies(host_.cache_directory());
  const std::string replaced_from = value("SELECT clock_timestamp()");
  const auto started = std::chrono::steady_clock::now();

  ProcessMemory early;
  for (std::uint64_t done = 1; done <= replacements; ++done) {
    ASSERT_NO_FATAL_FAILURE(replace(done + 1, kEveryWay[done % kEveryWay.size()]));
    if (done == std::max<std::uint64_t>(replacements / 10, 1)) {
      early = read_memory(host_.pid(), host_.cache_directory());
    }
  }
  const auto late = read_memory(host_.pid(), host_.cache_directory());
  const auto copies = staged_copies(host_.cache_directory());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const std::string replaced_to = value("SELECT clock_timestamp()");

  EXPECT_EQ(threads(), threads_before);
  EXPECT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE projection <> 'revenue' AND generation = 1 AND "
                      "state = 'live' AND reason = ''",
                      "10"))
      << everything();
  std::istringstream words(threads_before);
  for (std::string name, thread; words >> name >> thread;) {
    EXPECT_TRUE(has_thread(host_.pid(), thread.substr(0, thread.find(',')))) << name;
  }
  const auto backends_after = backends();
  EXPECT_TRUE(
      std::includes(backends_after.begin(), backends_after.end(), backends_before.begin(), backends_before.end()))
      << testing::PrintToString(backends_before) << testing::PrintToString(backends_after);

  // One copy a projection, and nothing of those that were replaced on disk, and none at all in the host.
  EXPECT_EQ(copies.size(), copies_before.size());
  EXPECT_TRUE(late.copies.empty()) << testing::PrintToString(late.copies);
  EXPECT_EQ(late.deleted, 0U);
  // The allocator may still make an arena for a new thread, at
  // most 8 a core, with two lines each, and keep stacks. A sanitizer keeps what was freed.
  if (std::string_view(PROJECTOR_TEST_SANITIZE).empty()) {
    EXPECT_LE(late.lines, early.lines + 40);
    EXPECT_LE(late.resident, early.resident + (8U << 20));
  }

  writers.reset();
  ASSERT_TRUE(all_come_to(last_event())) << everything();
  expect_every_read_model_right();
  fmt::print("{} replacements of revenue in {:.1f} s under {} events, generation {}; differences 0 of 10 expected; "
             "9 bystanders with the same threads, {} backends kept; longest commit gap of 7 of them {:.0f} ms before, "
             "{:.0f} ms during; resident {:.1f} MiB after a tenth, {:.1f} MiB at the end; mappings {} and {} lines; {} "
             "copies before and {} after\n",
             replacements, seconds, value("SELECT count(*) FROM events"), replacements + 1, backends_before.size(),
             longest_gap(begin, replaced_from), longest_gap(replaced_from, replaced_to),
             static_cast<double>(early.resident) / (1 << 20), static_cast<double>(late.resident) / (1 << 20),
             early.lines, late.lines, copies_before.size(), copies.size());
  EXPECT_EQ(host_.stop(), 0) << everything();
}

} // namespace
} // namespace projector::test
