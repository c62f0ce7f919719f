#include "pg/pg/database_test.hpp"
#include "pg/pipeline.hpp"
#include "pg/pool.hpp"

#include <atomic>
#include <future>
#include <thread>

namespace projector::pg {
namespace {

constexpr base::Duration kNoGrace = base::Duration::zero();

class PoolTest : public DatabaseTest {
protected:
  [[nodiscard]] PoolOptions pool_options(std::uint32_t size, std::uint32_t most,
                                         base::Duration hold_limit = std::chrono::hours(1)) const {
    return {.connect = options(), .size = size, .most = most, .hold_limit = hold_limit};
  }
  Pool::Lease borrow(Pool& pool, std::string_view owner) { return pool.borrow(owner, stop_, kNoGrace); }
  /// Borrows on another thread and waits until that thread is in the queue.
  std::future<Pool::Lease> queue(Pool& pool, std::string owner) {
    const auto before = pool.snapshot().waiting;
    auto lease =
        std::async(std::launch::async, [this, &pool, owner = std::move(owner)] { return borrow(pool, owner); });
    EXPECT_TRUE(test::eventually([&] { return pool.snapshot().waiting == before + 1; }));
    return lease;
  }
  static void give_back(Pool::Lease lease) { static_cast<void>(lease); }

  base::Stop stop_;
};

void expect_snapshot(const Pool& pool, std::uint32_t open, std::uint32_t in_use, std::uint32_t waiting) {
  const auto snapshot = pool.snapshot();
  EXPECT_EQ(snapshot.open, open);
  EXPECT_EQ(snapshot.in_use, in_use);
  EXPECT_EQ(snapshot.waiting, waiting);
}

TEST_F(PoolTest, AConnectionIsUsedAgain) {
  Pool pool(pool_options(2, 4));
  expect_snapshot(pool, 0, 0, 0);
  auto lease = borrow(pool, "a");
  const int pid = lease->backend_pid();
  expect_snapshot(pool, 1, 1, 0);
  give_back(std::move(lease));
  expect_snapshot(pool, 1, 0, 0);
  EXPECT_EQ(borrow(pool, "b")->backend_pid(), pid);
}

TEST_F(PoolTest, TheOwnersLastConnectionIsPreferred) {
  Pool pool(pool_options(3, 3));
  auto a = borrow(pool, "a");
  auto b = borrow(pool, "b");
  auto c = borrow(pool, "c");
  const int pid_a = a->backend_pid();
  const int pid_b = b->backend_pid();
  give_back(std::move(a));
  give_back(std::move(b));
  give_back(std::move(c));
  auto again = borrow(pool, "b");
  EXPECT_EQ(again->backend_pid(), pid_b);
  EXPECT_FALSE(again.needs_reset());
  auto other = borrow(pool, "d");
  EXPECT_EQ(other->backend_pid(), pid_a) << "the one unused for longest";
  EXPECT_TRUE(other.needs_reset());
}

TEST_F(PoolTest, ASessionThatOthersUsedNeedsAResetUntilItIsDone) {
  Pool pool(pool_options(1, 1));
  EXPECT_FALSE(borrow(pool, "a").needs_reset());
  EXPECT_FALSE(borrow(pool, "a").needs_reset());
  EXPECT_TRUE(borrow(pool, "b").needs_reset());
  EXPECT_TRUE(borrow(pool, "b").needs_reset()) << "nobody has reset it yet";
  {
    auto lease = borrow(pool, "b");
    lease.reset_done();
    EXPECT_FALSE(lease.needs_reset());
  }
  EXPECT_FALSE(borrow(pool, "b").needs_reset());
  EXPECT_TRUE(borrow(pool, "a").needs_reset());
}

TEST_F(PoolTest, WaitersAreServedInOrder) {
  Pool pool(pool_options(1, 1));
  auto first = borrow(pool, "a");
  auto second = queue(pool, "b");
  auto third = queue(pool, "c");
  expect_snapshot(pool, 1, 1, 2);
  give_back(std::move(first));
  auto lease = second.get();
  expect_snapshot(pool, 1, 1, 1);
  give_back(std::move(lease));
  give_back(third.get());
  expect_snapshot(pool, 1, 0, 0);
}

TEST_F(PoolTest, AnOwnerDoesNotTakeTheLastPlaceWhileAnotherWaits) {
  Pool pool(pool_options(2, 2));
  auto first = borrow(pool, "a");
  auto other = borrow(pool, "b");
  auto greedy = queue(pool, "a");
  auto modest = queue(pool, "c");
  give_back(std::move(other));
  auto lease = modest.get();
  expect_snapshot(pool, 2, 2, 1);
  give_back(std::move(lease));
  give_back(greedy.get());
}

TEST_F(PoolTest, AConnectionHeldForLongDoesNotCount) {
  Pool pool(pool_options(1, 2, std::chrono::milliseconds(20)));
  auto first = borrow(pool, "a");
  auto second = borrow(pool, "b");
  expect_snapshot(pool, 2, 2, 0);
  auto third = queue(pool, "c");
  give_back(std::move(first));
  give_back(third.get());
}

TEST_F(PoolTest, NoMoreIdleConnectionsThanTheSizeAreKept) {
  Pool pool(pool_options(1, 3, base::Duration::zero()));
  auto first = borrow(pool, "a");
  auto second = borrow(pool, "b");
  auto third = borrow(pool, "c");
  expect_snapshot(pool, 3, 3, 0);
  give_back(std::move(first));
  give_back(std::move(second));
  give_back(std::move(third));
  expect_snapshot(pool, 1, 0, 0);
}

TEST_F(PoolTest, AStopEndsTheWaitForAPlace) {
  Pool pool(pool_options(1, 1));
  auto first = borrow(pool, "a");
  auto waiting = queue(pool, "b");
  stop_.request();
  EXPECT_THROW(waiting.get(), Interrupted);
  expect_snapshot(pool, 1, 1, 0);
}

TEST_F(PoolTest, AStopEndsTheWaitForAStatementAndLeavesThePoolUsable) {
  Pool pool(pool_options(1, 1));
  {
    auto lease = borrow(pool, "a");
    stop_.request();
    EXPECT_THROW(lease->exec("SELECT pg_sleep(3600)"), Interrupted);
  }
  expect_snapshot(pool, 0, 0, 0);
  EXPECT_THROW(borrow(pool, "a"), Interrupted) << "it has to connect";
  give_back(pool.borrow("a", base::no_stop(), kNoGrace));
  auto last_write = pool.borrow("a", stop_, std::chrono::hours(1));
  EXPECT_EQ(value(last_write.connection(), "SELECT 1"), "1");
}

TEST_F(PoolTest, AConnectionOutlivesTheStopOfItsBorrower) {
  Pool pool(pool_options(1, 1));
  {
    base::Stop brief;
    give_back(pool.borrow("a", brief, kNoGrace));
    brief.request();
  }
  EXPECT_EQ(value(borrow(pool, "a").connection(), "SELECT 1"), "1");
}

TEST_F(PoolTest, WhatIsNotAtRestIsClosed) {
  Pool pool(pool_options(1, 1));
  {
    auto lease = borrow(pool, "a");
    lease->exec("BEGIN");
  }
  expect_snapshot(pool, 0, 0, 0);
  {
    auto lease = borrow(pool, "a");
    lease->close();
  }
  expect_snapshot(pool, 0, 0, 0);
  {
    auto lease = borrow(pool, "a");
    const Pipeline pipeline(lease.connection());
    EXPECT_FALSE(lease->at_rest());
  }
  expect_snapshot(pool, 1, 0, 0);
}

TEST_F(PoolTest, DeadIdleConnectionsAreReplaced) {
  Pool pool(pool_options(2, 2));
  auto first = borrow(pool, "a");
  auto second = borrow(pool, "a");
  const int pid_first = first->backend_pid();
  const int pid_second = second->backend_pid();
  give_back(std::move(first));
  give_back(std::move(second));
  terminate(pid_first);
  terminate(pid_second);
  auto lease = borrow(pool, "a");
  EXPECT_NE(lease->backend_pid(), pid_first);
  EXPECT_NE(lease->backend_pid(), pid_second);
  EXPECT_EQ(value(lease.connection(), "SELECT 1"), "1");
  EXPECT_FALSE(lease.needs_reset());
  expect_snapshot(pool, 1, 1, 0);
}

TEST_F(PoolTest, DroppedIdleConnectionsAreClosed) {
  Pool pool(pool_options(2, 2));
  auto kept = borrow(pool, "a");
  auto dropped = borrow(pool, "a");
  const int pid = dropped->backend_pid();
  give_back(std::move(dropped));
  pool.drop_idle();
  expect_snapshot(pool, 1, 1, 0);
  EXPECT_TRUE(test::eventually([&] { return !session_is(pid, "true"); }));
  EXPECT_EQ(value(kept.connection(), "SELECT 1"), "1");
}

TEST_F(PoolTest, AFailedConnectFreesItsPlace) {
  auto broken = pool_options(1, 1);
  broken.connect.dsn = test::PrivatePostgres::shared().dsn("no_such");
  Pool pool(broken);
  EXPECT_TRUE(error_of([&] { borrow(pool, "a"); }).connection_lost());
  EXPECT_TRUE(error_of([&] { borrow(pool, "a"); }).connection_lost());
  expect_snapshot(pool, 0, 0, 0);
}

TEST_F(PoolTest, ManyThreadsShareFewConnections) {
  constexpr int kThreads = 8;
  constexpr int kBorrows = 40;
  Pool pool(pool_options(3, 3));
  std::atomic<int> in_use = 0;
  std::atomic<int> most_in_use = 0;
  std::atomic<int> done = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, owner = std::to_string(thread % 3)] {
        for (int i = 0; i < kBorrows; ++i) {
          auto lease = borrow(pool, owner);
          most_in_use = std::max(most_in_use.load(), ++in_use);
          EXPECT_EQ(value(lease.connection(), "SELECT 1"), "1");
          --in_use;
          ++done;
        }
      });
    }
  }
  EXPECT_EQ(done, kThreads * kBorrows);
  EXPECT_LE(most_in_use, 3);
  const auto snapshot = pool.snapshot();
  EXPECT_LE(snapshot.open, 3u);
  EXPECT_EQ(snapshot.in_use, 0u);
}

} // namespace
} // namespace projector::pg
