#include "beside_nine.hpp"

#include "support/wait.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace projector::test {
namespace {

/// Plugins that do harm where no event is to blame.
class BetweenEvents : public BesideNine {
protected:
  std::size_t times_logged(const std::string& pattern) const {
    const std::string log = host_.log();
    const std::regex wanted(pattern);
    return static_cast<std::size_t>(std::distance(std::sregex_iterator(log.begin(), log.end(), wanted), {}));
  }
};

TEST_F(BetweenEvents, ACrashInFinishedRepeatsNoEvent) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth(dying("finished", "segv"));
  EXPECT_TRUE(tenth_becomes("retrying: its process ended in finished with signal 11 \\(Segmentation fault\\) at "
                            "dies\\.so\\+0x[0-9a-f]+, address 0x8"))
      << everything();
  expect_nine_undisturbed();
  end_with_harmless_version();
}

TEST_F(BetweenEvents, ACrashInDestroyIsLogged) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth(dying("destroy", "segv"));
  tenth_keeps_up();
  end_with_harmless_version();
  EXPECT_EQ(times_logged("dies: its process ended in destroy with signal 11 \\(Segmentation fault\\) at "
                         "dies\\.so\\+0x[0-9a-f]+, address 0x8"),
            1U)
      << everything();
}

TEST_F(BetweenEvents, AVersionThatCrashesOnTrialGivesWayToTheOneBefore) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth(dying("handle", "segv", "", "*"), built("harmless", "dies"));
  tenth_keeps_up();
  host_.install_file(built("", "dies"), "dies");
  EXPECT_TRUE(
      tenth_becomes("live: generation 1 keeps running: (one of [0-9]+ events from the )?event at position "
                    "[0-9]+ \\([A-Za-z]+ of [A-Za-z]+ a[0-9]+\\) was rejected: its process ended in handle with "
                    "signal 11 \\(Segmentation fault\\) at dies\\.so\\+0x[0-9a-f]+, address 0x8"))
      << tenth() << everything();
  tenth_keeps_up();
  expect_nine_undisturbed();
  expect_all_exact();
  EXPECT_EQ(host_.stop(), 0) << everything();
}

TEST_F(BetweenEvents, RubbishInTheChannelIsNotTaken) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth(dying("handle", "channel",
                  "sandbox = false\nhandle_timeout = \"300ms\"\nmax_crashes = 1000000\nrestart_interval = \"10ms\"\n"
                  "retry_backoff = \"1ms\"\nretry_backoff_max = \"10ms\"\n",
                  "OrderPlaced"));
  std::set<std::string> reasons;
  EXPECT_TRUE(eventually([&] {
    reasons.insert(std::regex_replace(tenth(), std::regex("[0-9]+"), "N"));
    return times_logged("dies: .*its process broke the rules of the channel") >= 10;
  })) << testing::PrintToString(reasons)
      << everything();
  RecordProperty("reasons", testing::PrintToString(reasons));
  expect_nine_undisturbed();
  end_with_harmless_version();
}

TEST_F(BetweenEvents, AChildEndsWithItsRunner) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth(dying("handle", "fork", "sandbox = false\n"));
  tenth_keeps_up();
  append_deadly();
  tenth_keeps_up();
  const auto both = runners_of_tenth();
  ASSERT_EQ(both.size(), 2U) << everything();
  const pid_t runner = ::getpgid(both[0].pid); // it leads its group
  const pid_t child = both[0].pid == runner ? both[1].pid : both[0].pid;
  ASSERT_EQ(::kill(runner, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] {
    const auto left = runners_of_tenth();
    return std::none_of(left.begin(), left.end(), [&](const auto& one) { return one.pid == child; });
  })) << everything();
  tenth_keeps_up();
  EXPECT_EQ(runners_of_tenth().size(), 1U) << everything();
  expect_nine_undisturbed();
  end_with_harmless_version();
}

TEST_F(BetweenEvents, OutputIsLoggedAndMuchOfItOnlyCounted) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth(dying("handle", "print"));
  tenth_keeps_up();
  append_deadly();
  EXPECT_TRUE(host_.logs("dies: a line on standard output")) << everything();
  EXPECT_TRUE(eventually([&] { return times_logged("dies: [0-9]+ more lines of output were dropped: only") > 0; }))
      << everything();
  EXPECT_LT(times_logged("dies: and another one"), 10000U);
  expect_nine_undisturbed();
  end_with_harmless_version();
}

TEST_F(BetweenEvents, ThreadLocalDataOfManyPartitionsHasRoom) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  add_tenth("partitions = 64\n", built("", "initial_exec"));
  EXPECT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE projection = 'dies' AND state IN ('live', "
                      "'catching_up')",
                      "64"))
      << everything();
  tenth_keeps_up();
  EXPECT_EQ(runners_of_tenth().size(), 64U);
  expect_nine_undisturbed();
  expect_all_exact();
  EXPECT_EQ(host_.stop(), 0) << everything();
}

} // namespace
} // namespace projector::test
