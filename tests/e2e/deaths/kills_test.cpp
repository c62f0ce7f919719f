#include "beside_nine.hpp"

#include "support/long_run.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <random>
#include <thread>

namespace projector::test {
namespace {

constexpr const char* kHasty =
    "restart_interval = \"100ms\"\nretry_backoff = \"10ms\"\nretry_backoff_max = \"100ms\"\n";

class Kills : public BesideNine {};

TEST_F(Kills, OfRunnersLoseNothingAndDoubleNothing) {
  ASSERT_NO_FATAL_FAILURE(start_nine(kHasty));
  const std::string before = threads();
  const pid_t host = host_.pid();
  std::mt19937 random(5);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(size_of_run(5, 300));
  int killed = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 150));
    if (const auto runners = runners_of(host); !runners.empty()) {
      killed += ::kill(runners[random() % runners.size()].pid, SIGKILL) == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(killed, 0);
  EXPECT_TRUE(host_.running()) << everything();
  expect_all_exact(false);
  EXPECT_EQ(threads(), before) << everything();
  fmt::print("{} runners killed under {} events\n", killed, value("SELECT count(*) FROM events"));
  EXPECT_EQ(host_.stop(), 0) << everything();
}

TEST_F(Kills, OfTheHostLeaveNoRunner) {
  ASSERT_NO_FATAL_FAILURE(start_nine());
  const pid_t host = host_.pid();
  ASSERT_EQ(runners_of(host).size(), 12U);
  host_.kill();
  EXPECT_TRUE(eventually([&] { return runners_of(host).empty(); }, std::chrono::seconds(1)))
      << testing::PrintToString(runners_of(host).size());
}

/// Children that a plugin without a sandbox has forked.
class ChildOfARunner : public Kills {
protected:
  /// `how`: fork, and the child stays in the runner's process group; or fork_daemon, and it leaves it.
  void leave_child(const char* how) {
    ASSERT_NO_FATAL_FAILURE(start_nine());
    add_tenth(dying("handle", how, "sandbox = false\n"));
    tenth_keeps_up();
    append_deadly();
    tenth_keeps_up();
    ASSERT_EQ(runners_of_tenth().size(), 2U) << everything();
    host_pid_ = host_.pid();
  }
  bool nothing_is_left() {
    return eventually([&] { return runners_of(host_pid_).empty(); }, std::chrono::seconds(1));
  }
  void TearDown() override {
    for (const auto& one : runners_of(host_pid_)) {
      ::kill(one.pid, SIGKILL);
    }
  }
  pid_t host_pid_ = 0;
};

TEST_F(ChildOfARunner, EndsWithTheHost) {
  ASSERT_NO_FATAL_FAILURE(leave_child("fork"));
  EXPECT_EQ(host_.stop(), 0);
  EXPECT_TRUE(nothing_is_left());
}

// Nobody is there any more to end them: each runner gets a signal of the kernel when the host dies, its child does not.
TEST_F(ChildOfARunner, DISABLED_EndsWithAKilledHost) {
  ASSERT_NO_FATAL_FAILURE(leave_child("fork"));
  host_.kill();
  EXPECT_TRUE(nothing_is_left());
}

// The host ends process groups, and this child has one of its own.
TEST_F(ChildOfARunner, DISABLED_EndsWithTheHostAlsoAsADaemon) {
  ASSERT_NO_FATAL_FAILURE(leave_child("fork_daemon"));
  EXPECT_EQ(host_.stop(), 0);
  EXPECT_TRUE(nothing_is_left());
}

} // namespace
} // namespace projector::test
