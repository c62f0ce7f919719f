#include "hot_test.hpp"
#include "replacement.hpp"
#include "support/event_writers.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <signal.h>

#include <array>
#include <memory>
#include <string>

namespace projector::test {
namespace {

/// A version of trial.so that fails, and why.
struct Fault {
  const char* version;
  const char* why;
  bool needs_events = true; ///< it is started well
};
constexpr std::array<Fault, 9> kFaults{{{"in_create", "fails in create", false},
                                        {"in_setup", "fails in setup", false},
                                        {"at_once", "fails before its statements"},
                                        {"after_exec", "fails after its statements"},
                                        {"after_query", "fails after its queries"},
                                        {"by_reject", "rejects the one in the middle"},
                                        {"by_statement", "division by zero"},
                                        {"by_retry", "asks for another attempt, always"},
                                        {"by_throw", "thrown after its statements"}}};

constexpr const char* kToml = "batch_size = 10\nmax_retries = 1\nretry_backoff = \"10ms\"\nretry_backoff_max = "
                              "\"20ms\"\n";

/// Counted in one snapshot: rows of a bad version, rows that are missing up to the checkpoints, and rows beyond them.
constexpr const char* kWrongRows =
    "SELECT (SELECT count(*) FROM trial_seen WHERE projection = 'bad') + (SELECT count(*) FROM trial_batches WHERE "
    "mark "
    "= 'bad') + (SELECT count(*) FROM events e WHERE global_position <= (SELECT min(position) FROM "
    "projector_checkpoints WHERE checkpoint = 'trial') AND NOT EXISTS (SELECT FROM trial_seen s WHERE "
    "s.global_position "
    "= e.global_position)) + (SELECT count(*) FROM trial_seen s JOIN projector_checkpoints c ON c.checkpoint = 'trial' "
    "AND c.partition = s.partition WHERE s.global_position > c.position)";

class Trial : public HotTest {
protected:
  void start(std::uint32_t partitions) {
    host_.install_plugin("trial");
    host_.write_projection_file("trial", fmt::format("[projection.trial]\npartitions = {}\n{}", partitions, kToml));
    append(100);
    host_.start();
    ASSERT_TRUE(is_live("trial", 1)) << everything();
  }
  void put(const std::string& version) {
    replace_file(built_plugin(version, "trial"), host_.plugin_directory() / "trial.so", Way::Rsync);
  }
  /// Watches the read model until the host has gone back to the first generation.
  void watch_until_back(std::uint64_t failing, const std::string& why) {
    const auto text =
        fmt::format("trial: generation {} failed before its first commit, going back to generation 1: ", failing);
    std::string wrong = "0";
    ASSERT_TRUE(eventually([&] {
      wrong = value(kWrongRows);
      return wrong != "0" || host_.log().find(text) != std::string::npos;
    })) << everything();
    ASSERT_EQ(wrong, "0") << everything();
    ASSERT_TRUE(shows_reason("trial", "generation 1 keeps running: ")) << everything();
    ASSERT_TRUE(shows_reason("trial", why)) << everything();
    ASSERT_TRUE(shows("trial", "generation", "1")) << everything();
    ASSERT_TRUE(shows("trial", "state", "live")) << everything();
    EXPECT_EQ(value(kWrongRows), "0");
  }
};

TEST_F(Trial, AVersionThatFailsIdleOrOnTheFirstEventLeavesNothing) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  std::uint64_t generation = 1;
  for (const auto& fault : kFaults) {
    SCOPED_TRACE(fault.version);
    put(fault.version);
    ++generation;
    if (fault.needs_events) {
      ASSERT_TRUE(
          shows("trial", "reason",
                fmt::format("generation {} is on trial until its first batch; generation 1 can come back", generation)))
          << everything();
      ASSERT_TRUE(shows("trial", "state", "live")) << everything();
      EXPECT_EQ(shown("trial", "generation"), std::to_string(generation));
      append(25);
    }
    ASSERT_NO_FATAL_FAILURE(watch_until_back(generation, fault.why));
    ASSERT_TRUE(caught_up()) << everything();
    EXPECT_EQ(difference("trial"), 0);
  }
  put("v2");
  ++generation;
  ASSERT_TRUE(passes_trial("trial", generation, 1)) << everything();
  EXPECT_TRUE(host_.logs("trial: the copy of generation 1 is removed")) << everything();
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("trial"), 0);
  EXPECT_EQ(value("SELECT string_agg(mark || ' ' || events, ', ' ORDER BY mark) FROM (SELECT mark, sum(events) AS "
                  "events FROM trial_batches GROUP BY 1) marks"),
            fmt::format("first {}, second 1", 100 + 25 * 7));
}

TEST_F(Trial, AVersionThatFailsUnderLoadInOneOfThreePartitionsLeavesNothing) {
  ASSERT_NO_FATAL_FAILURE(start(3));
  auto writers = std::make_unique<EventWriters>(
      dsn_, EventWriters::Options{.writers = 3, .events = ~std::uint64_t{0}, .seed = 23, .pause_us = 20000});
  std::uint64_t generation = 1;
  for (const auto& fault : kFaults) {
    SCOPED_TRACE(fault.version);
    put(fault.version);
    ASSERT_NO_FATAL_FAILURE(watch_until_back(++generation, fault.why));
  }
  put("v2");
  ASSERT_TRUE(is_live("trial", ++generation)) << everything();
  EXPECT_EQ(shown("trial", "plugin_version"), "2.0.0");
  writers.reset();
  ASSERT_TRUE(caught_up()) << everything();
  EXPECT_EQ(difference("trial"), 0);
  EXPECT_EQ(value(kWrongRows), "0");
}

TEST_F(Trial, AFailedFileIsNotTriedAgainBeforeItChanges) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  put("after_exec");
  ASSERT_TRUE(shows_reason("trial", "generation 2 is on trial")) << everything();
  append(5);
  ASSERT_NO_FATAL_FAILURE(watch_until_back(2, "fails after its statements"));
  host_.signal(SIGHUP);
  wait_for_scan();
  append(5);
  ASSERT_TRUE(caught_up());
  wait_for_scan();
  EXPECT_EQ(shown("trial", "generation"), "1");
  EXPECT_EQ(host_.log().find("generation 3"), std::string::npos) << host_.log();
  EXPECT_EQ(difference("trial"), 0);
}

TEST_F(Trial, WhereNothingWasInOrderTheNewFileStartsWithoutATrial) {
  host_.install_file(built_plugin("after_exec", "trial"), "trial");
  host_.write_projection_file("trial", fmt::format("[projection.trial]\nrestart_interval = \"0s\"\n{}", kToml));
  append(20);
  host_.start();
  ASSERT_TRUE(shows("trial", "state", "failed")) << everything();
  put("after_query");
  ASSERT_TRUE(shows_reason("trial", "fails after its queries")) << everything();
  ASSERT_TRUE(shows("trial", "state", "failed")) << everything();
  EXPECT_EQ(shown("trial", "generation"), "2");
  put("v2");
  ASSERT_TRUE(is_live("trial", 3)) << everything();
  EXPECT_EQ(host_.log().find("going back"), std::string::npos) << host_.log();
  EXPECT_EQ(difference("trial"), 0);
}

TEST_F(Trial, AFileThatComesDuringATrialIsTriedAgainstTheSameGoodOne) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  put("v2");
  ASSERT_TRUE(shows_reason("trial", "generation 2 is on trial")) << everything();
  put("after_query");
  ASSERT_TRUE(shows_reason("trial", "generation 3 is on trial until its first batch; generation 1 can come back"))
      << everything();
  append(5);
  ASSERT_NO_FATAL_FAILURE(watch_until_back(3, "fails after its queries"));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("trial"), 0);
}

} // namespace
} // namespace projector::test
