#include "base/stop.hpp"

#include <fcntl.h>
#include <poll.h>

#include <gtest/gtest.h>

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stop_token>
#include <thread>

namespace projector::base {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd poll_fd{fd, POLLIN, 0};
  return ::poll(&poll_fd, 1, timeout_ms) == 1 && (poll_fd.revents & POLLIN) != 0;
}

TEST(Stop, IsNotRequestedAtFirst) {
  const Stop stop;
  EXPECT_FALSE(stop.requested());
  EXPECT_FALSE(stop.token().stop_requested());
  EXPECT_TRUE(stop.token().stop_possible());
  EXPECT_FALSE(readable(stop.fd(), 0));
}

TEST(Stop, IsSeenThroughTokenAndDescriptor) {
  Stop stop;
  const std::stop_token token = stop.token();
  stop.request();
  EXPECT_TRUE(stop.requested());
  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(readable(stop.fd(), 0));
}

TEST(Stop, StaysRequested) {
  Stop stop;
  stop.request();
  stop.request();
  EXPECT_TRUE(stop.requested());
  EXPECT_TRUE(readable(stop.fd(), 0));
  EXPECT_TRUE(readable(stop.fd(), 0));
}

TEST(Stop, WakesAPollOfAnotherThread) {
  Stop stop;
  bool woken = false;
  std::thread waits([&] { woken = readable(stop.fd(), -1); });
  stop.request();
  waits.join();
  EXPECT_TRUE(woken);
}

TEST(Stop, WakesAConditionVariableOfAnotherThread) {
  Stop stop;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool satisfied = true;
  std::thread waits([&] {
    std::unique_lock lock(mutex);
    satisfied = changed.wait(lock, stop.token(), [] { return false; });
  });
  stop.request();
  waits.join();
  EXPECT_FALSE(satisfied);
}

TEST(Stop, EndsASleepOfAnotherThread) {
  Stop stop;
  bool slept = true;
  std::thread sleeps([&] { slept = stop.wait_for(std::chrono::hours(24 * 365 * 1000)); });
  stop.request();
  sleeps.join();
  EXPECT_FALSE(slept);
}

TEST(Stop, IsSleptForAsLongAsAskedAlsoWhereASignalArrives) {
  struct sigaction ignored {};
  ignored.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &ignored, &before), 0);
  const auto limit = std::chrono::milliseconds(50);
  std::atomic<bool> done = false;
  TimePoint began, ended;
  bool slept = false;
  std::thread sleeps([&] {
    began = Clock::now();
    slept = no_stop().wait_for(limit);
    ended = Clock::now();
    done = true;
  });
  while (!done) {
    ::pthread_kill(sleeps.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  sleeps.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(slept);
  EXPECT_GE(ended - began, limit);
}

TEST(Stop, IsNotSleptForWhereNoTimeIsLeftOrItWasRequestedBefore) {
  Stop stop;
  EXPECT_TRUE(stop.wait_for(Duration::zero()));
  EXPECT_TRUE(stop.wait_for(std::chrono::seconds(-1)));
  stop.request();
  EXPECT_FALSE(stop.wait_for(std::chrono::hours(1)));
  EXPECT_FALSE(stop.wait_for(Duration::zero()));
}

TEST(Stop, IsNotInheritedByAnotherProgram) {
  const Stop stop;
  EXPECT_EQ(::fcntl(stop.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(Stop, ConcernsOneOnly) {
  Stop requested;
  const Stop other;
  requested.request();
  EXPECT_FALSE(other.requested());
  EXPECT_FALSE(readable(other.fd(), 0));
}

TEST(Stop, NobodyRequestsNoStop) {
  EXPECT_FALSE(no_stop().requested());
  EXPECT_FALSE(readable(no_stop().fd(), 0));
  EXPECT_EQ(&no_stop(), &no_stop());
}

} // namespace
} // namespace projector::base
