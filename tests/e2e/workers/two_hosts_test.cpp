#include "seen_events.hpp"
#include "support/event_writers.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"
#include "two_hosts.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <random>

namespace projector::test {
namespace {

class TwoHostsOfOneConfiguration : public ::testing::Test {
protected:
  TwoHostsOfOneConfiguration() {
    create_event_store(dsn_);
    make_seen_table(dsn_, "recorder");
  }
  std::uint32_t pick(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }
  /// One of them owns the partition and the other stands by, and it stays so while events are written.
  void expect_one_owner() {
    ASSERT_TRUE(eventually([&] { return hosts_.settled(); }, std::chrono::seconds(60))) << hosts_.everything();
    const std::string owner = hosts_.owners();
    const auto enough = writers_->written() + 100 + pick(400);
    while (writers_->written() < enough) {
      ASSERT_EQ(hosts_.owners(), owner) << "nobody was stopped\n" << hosts_.everything();
      ++samples_;
    }
  }
  /// Ends one of them or both, by SIGTERM or SIGKILL, and starts those that do not run, before or after the other took
  /// over.
  void disturb() {
    const bool both = pick(5) == 0;
    const std::size_t victim = pick(3) == 0 ? 1 - hosts_.owner() : hosts_.owner();
    const bool owned = victim == hosts_.owner();
    hosts_.end(victim, pick(4) != 0);
    if (both) {
      hosts_.end(1 - victim, pick(4) != 0);
      hosts_.start(1 - victim);
    } else if (owned && pick(3) != 0) {
      ASSERT_TRUE(eventually([&] { return hosts_.owner() == 1 - victim; }, std::chrono::seconds(60)))
          << hosts_.everything();
    }
    hosts_.start(victim);
  }

  /// Both run, the first is the owner, and events come.
  void start_both() {
    writers_.emplace(
        dsn_, EventWriters::Options{
                  .writers = 3, .events = std::numeric_limits<std::uint64_t>::max(), .seed = 23, .pause_us = 10000});
    hosts_.start(0);
    ASSERT_TRUE(eventually([&] { return hosts_.owner() == 0; })) << hosts_.everything();
    hosts_.start(1);
    ASSERT_TRUE(eventually([&] { return hosts_.settled(); }, std::chrono::seconds(60))) << hosts_.everything();
  }
  void catch_up_and_end() {
    writers_.reset();
    ASSERT_TRUE(
        becomes(dsn_,
                "SELECT count(*) FROM projector_checkpoints WHERE position >= (SELECT max(global_position) FROM "
                "events)",
                "2"))
        << hosts_.everything();
    hosts_.end(0, false);
    hosts_.end(1, false);
    expect_seen_once_in_order(dsn_, "recorder", 1);
    expect_right(dsn_, "revenue");
  }

  const std::string dsn_ = PrivatePostgres::shared().create_database();
  std::optional<EventWriters> writers_;
  TwoHosts hosts_{dsn_};
  std::mt19937 random_{5};
  std::uint64_t samples_ = 0;
};

TEST_F(TwoHostsOfOneConfiguration, CommitEachEventOnceAndTakeOverOnlyFromWhoHasEnded) {
  ASSERT_NO_FATAL_FAILURE(start_both());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(size_of_run(15, 600));
  do {
    expect_one_owner();
    if (!HasFailure()) {
      disturb();
    }
  } while (!HasFailure() && (std::chrono::steady_clock::now() < end || hosts_.kills() * hosts_.stops() == 0));
  ASSERT_NO_FATAL_FAILURE(catch_up_and_end());
  const auto changes = hosts_.ownership();
  EXPECT_EQ(changes.returns, 0u) << "a process committed again after another one had";
  EXPECT_EQ(changes.from_the_living, 0u) << "a partition was taken from a process that nobody had ended";
  fmt::print("2 hosts, {} events, {} kills, {} stops, {} owner changes, {} samples; taken over after {}\n",
             query_value(dsn_, "SELECT count(*) FROM events"), hosts_.kills(), hosts_.stops(), changes.changes,
             samples_, changes.take_overs.text());
}

TEST_F(TwoHostsOfOneConfiguration, AnOwnerThatWakesLateStandsByForWhoTookOver) {
  ASSERT_NO_FATAL_FAILURE(start_both());
  hosts_.suspend(0, false);
  ASSERT_TRUE(eventually([&] { return hosts_.owner() == 1; }, std::chrono::seconds(60))) << hosts_.everything();
  hosts_.resume(0);
  ASSERT_TRUE(eventually([&] { return hosts_.settled(); }, std::chrono::seconds(60))) << hosts_.everything();
  ASSERT_NO_FATAL_FAILURE(catch_up_and_end());
  const auto changes = hosts_.ownership();
  EXPECT_EQ(changes.changes, 1u);
  EXPECT_EQ(changes.returns, 0u);
}

/// What the owner has done in its transaction is not lost: the other cannot pass the checkpoint's row before that ends.
TEST_F(TwoHostsOfOneConfiguration, AnOwnerThatSleepsInItsTransactionIsWaitedFor) {
  ASSERT_NO_FATAL_FAILURE(start_both());
  hosts_.suspend(0, true);
  ASSERT_TRUE(eventually([&] { return hosts_.would_own(1); }, std::chrono::seconds(60))) << hosts_.everything();
  EXPECT_EQ(hosts_.owner(), 0u);
  hosts_.resume(0);
  ASSERT_TRUE(eventually([&] { return hosts_.settled(); }, std::chrono::seconds(60))) << hosts_.everything();
  ASSERT_NO_FATAL_FAILURE(catch_up_and_end());
}

} // namespace
} // namespace projector::test
