#include "echo_runner.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>

namespace projector::channel {
namespace {

using test::dawdle;
using test::echo;
using test::exchange;
using test::much_later;
using test::only_woken;
using test::pattern;
using Status = HostEnd::Status;

constexpr int kRounds = 10000;

/// A thread that begins when it is told to, again and again, since starting one takes longer than what is tested.
class Closer {
public:
  explicit Closer(std::uint32_t seed) : random_(seed), thread_([this] { run(); }) {}
  ~Closer() {
    give(nullptr);
    thread_.join();
  }
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  void close_soon(HostEnd& host) { give(&host); }
  void wait_until_done() {
    while (busy_.load()) {
      busy_.wait(true);
    }
  }

private:
  void give(HostEnd* host) {
    host_ = host;
    busy_ = true;
    busy_.notify_all();
  }
  void run() {
    while (true) {
      busy_.wait(false);
      if (host_ == nullptr) {
        return;
      }
      dawdle(random_);
      host_->close();
      busy_ = false;
      busy_.notify_all();
    }
  }

  std::mt19937 random_;
  HostEnd* host_ = nullptr;
  std::atomic<bool> busy_ = false;
  std::thread thread_;
};

TEST(ChannelClose, AlwaysWakesTheHost) {
  std::mt19937 random(1);
  Closer closer(2);
  for (int i = 0; i < kRounds; ++i) {
    const auto memory = Memory::create({64, 64});
    HostEnd host(*memory, only_woken());
    ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
    closer.close_soon(host);
    dawdle(random);
    const auto answer = host.receive(much_later());
    closer.wait_until_done();
    ASSERT_EQ(answer.status, Status::Closed) << "round " << i << ' ' << answer.problem;
  }
}

TEST(ChannelClose, AlwaysWakesTheRunner) {
  std::mt19937 random(3);
  Closer closer(4);
  for (int i = 0; i < kRounds; ++i) {
    const auto memory = Memory::create({64, 64});
    HostEnd host(*memory, only_woken());
    RunnerEnd runner(*memory);
    closer.close_soon(host);
    dawdle(random);
    ASSERT_FALSE(runner.receive()) << "round " << i;
    closer.wait_until_done();
  }
}

TEST(ChannelClose, InTheMidstOfCallsEndsBothEndsWithWholeMessages) {
  Closer closer(5);
  const std::string bytes = pattern(200);
  for (int i = 0; i < 1000; ++i) {
    const auto memory = Memory::create({64, 64});
    HostEnd host(*memory, only_woken());
    std::thread thread([&] {
      RunnerEnd runner(*memory);
      echo(runner);
      EXPECT_FALSE(runner.receive());
      EXPECT_FALSE(runner.send(1, ""));
    });
    closer.close_soon(host);
    HostEnd::Received answer;
    while ((answer = exchange(host, 1, bytes)).status == Status::Message) {
      EXPECT_TRUE(answer.bytes == bytes);
    }
    EXPECT_EQ(answer.status, Status::Closed) << answer.problem;
    EXPECT_EQ(host.receive(much_later()).status, Status::Closed);
    thread.join();
    closer.wait_until_done();
  }
}

TEST(ChannelClose, AnAnswerThatHasArrivedIsStillReceived) {
  const auto memory = Memory::create();
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  ASSERT_TRUE(runner.receive());
  ASSERT_TRUE(runner.send(2, "the last word"));
  host.close();
  EXPECT_EQ(host.receive(much_later()).bytes, "the last word");
  EXPECT_EQ(host.send(3, "", much_later()).status, Status::Closed);
}

TEST(ChannelClose, StandsWhenTheRunnerWritesOverTheWord) {
  const auto memory = Memory::create();
  HostEnd host(*memory, only_woken());
  host.close();
  memory->header().turn = 0;
  EXPECT_EQ(host.send(1, "", much_later()).status, Status::Closed);
}

TEST(ChannelClose, BeforeTheFirstCallIsClosedToo) {
  const auto memory = Memory::create();
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  host.close();
  EXPECT_EQ(host.send(1, "", much_later()).status, Status::Closed);
  EXPECT_FALSE(runner.receive());
}

TEST(ChannelClose, ARunnerThatAnswersAClosedChannelIsTold) {
  const auto memory = Memory::create();
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  ASSERT_TRUE(runner.receive());
  host.close();
  EXPECT_FALSE(runner.send(2, ""));
  EXPECT_EQ(host.receive(much_later()).status, Status::Closed);
}

} // namespace
} // namespace projector::channel
