#include "echo_runner.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace projector::channel {
namespace {

using test::EchoRunner;
using test::exchange;
using test::much_later;
using test::only_woken;
using test::pattern;
using Status = HostEnd::Status;

void expect_echo(HostEnd& host, std::uint32_t kind, const std::string& bytes) {
  const auto answer = exchange(host, kind, bytes);
  ASSERT_EQ(answer.status, Status::Message) << answer.problem << " with " << bytes.size() << " bytes";
  ASSERT_EQ(answer.kind, kind);
  ASSERT_TRUE(answer.bytes == bytes) << bytes.size() << " bytes";
}

TEST(ChannelEnds, EveryLengthComesBackAsItWas) {
  for (const auto& [to_runner, to_host] : {std::pair{64U, 64U}, {64U, 100U}, {100U, 64U}, {1U, 7U}}) {
    const auto memory = Memory::create({to_runner, to_host});
    HostEnd host(*memory, only_woken());
    const EchoRunner runner(*memory, host);
    for (std::size_t size = 0; size <= 320; ++size) {
      expect_echo(host, static_cast<std::uint32_t>(size + 1), pattern(size));
    }
  }
}

TEST(ChannelEnds, LengthsAroundTheUsualAreasComeBack) {
  const auto memory = Memory::create();
  HostEnd host(*memory, only_woken());
  const EchoRunner runner(*memory, host);
  for (const std::size_t area : {memory->options().to_runner_size, memory->options().to_host_size}) {
    for (const std::size_t pieces : {1, 2, 3}) {
      for (const int off : {-1, 0, 1}) {
        expect_echo(host, 9, pattern(pieces * area + static_cast<std::size_t>(off)));
      }
    }
  }
}

TEST(ChannelEnds, AMessageOf64MebibytesComesBackAndASmallOneAfterIt) {
  const auto memory = Memory::create();
  HostEnd host(*memory, only_woken());
  const EchoRunner runner(*memory, host);
  expect_echo(host, 1, pattern(64U << 20));
  expect_echo(host, 2, "small");
}

TEST(ChannelEnds, AMessageOfMoreThanTheHostAcceptsIsAProtocolError) {
  for (const std::uint32_t area : {64U, 500U, 4096U}) {
    const auto memory = Memory::create({area, area, 0, 1000});
    memory->header().most_accepted = 5000; // a lie, which only the runner reads
    const auto of_runner = Memory::open(memory->descriptor());
    HostEnd host(*memory, only_woken());
    const EchoRunner runner(*of_runner, host);
    expect_echo(host, 1, pattern(1000));
    const auto answer = exchange(host, 1, pattern(1001));
    EXPECT_EQ(answer.status, Status::ProtocolError);
    EXPECT_EQ(answer.problem, "a message has more than 1000 bytes, which are the most for it");
    EXPECT_EQ(exchange(host, 1, "").status, Status::ProtocolError);
  }
}

TEST(ChannelEnds, ARunnerDoesNotBeginAMessageThatTheHostDoesNotAccept) {
  const auto memory = Memory::create({64, 64, 0, 1000});
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  ASSERT_TRUE(runner.receive());
  EXPECT_THROW(runner.send(2, pattern(1001)), std::length_error);
  ASSERT_TRUE(runner.send(3, "too large, sorry"));
  EXPECT_EQ(host.receive(much_later()).bytes, "too large, sorry");
}

TEST(ChannelEnds, TheNumberOfTheTurnWraps) {
  for (std::uint32_t before = 0; before <= 8; ++before) {
    const auto memory = Memory::create({64, 64, Turn::kClosed - 1 - before});
    HostEnd host(*memory, only_woken());
    const EchoRunner runner(*memory, host);
    for (std::size_t i = 0; i < 20; ++i) {
      expect_echo(host, 1, pattern(i * 16));
    }
    EXPECT_LT(memory->header().turn, 1000U);
  }
}

TEST(ChannelEnds, TheRunnerReadsAMessageOfOnePieceInPlace) {
  const auto memory = Memory::create({64, 64});
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  ASSERT_EQ(host.send(5, "in place", much_later()).status, Status::Message);
  const auto message = runner.receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, 5U);
  EXPECT_EQ(message->bytes, "in place");
  EXPECT_EQ(message->bytes.data(), memory->to_runner());
}

TEST(ChannelEnds, TheHostReadsACopy) {
  const auto memory = Memory::create({64, 64});
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  ASSERT_EQ(host.send(5, "", much_later()).status, Status::Message);
  ASSERT_TRUE(runner.receive());
  ASSERT_TRUE(runner.send(6, "as it was"));
  const auto answer = host.receive(much_later());
  memory->to_host()[0] = 'x';
  EXPECT_EQ(answer.bytes, "as it was");
}

TEST(ChannelEnds, TimeIsUpWhileTheRunnerWorksAndItsAnswerStillComes) {
  const auto memory = Memory::create();
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  const auto begin = std::chrono::steady_clock::now();
  const auto wait = std::chrono::milliseconds(20);
  EXPECT_EQ(host.receive(begin + wait).status, Status::TimeUp);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, wait);
  EXPECT_EQ(host.receive(begin).status, Status::TimeUp);
  ASSERT_TRUE(runner.receive());
  ASSERT_TRUE(runner.send(2, "late"));
  EXPECT_EQ(host.receive(begin).bytes, "late") << "a message that is there needs no time";
}

TEST(ChannelEnds, TimeIsUpBetweenPiecesOfTheRunner) {
  const auto memory = Memory::create({64, 4});
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  ASSERT_TRUE(runner.receive());
  std::thread sender([&] { EXPECT_TRUE(runner.send(2, "two pieces")); });
  HostEnd::Received answer = {Status::TimeUp};
  while (answer.status == Status::TimeUp) {
    answer = host.receive(std::chrono::steady_clock::now());
  }
  sender.join();
  EXPECT_EQ(answer.bytes, "two pieces");
}

TEST(ChannelEnds, TimeThatIsUpBetweenPiecesOfTheHostIsTheEnd) {
  const auto memory = Memory::create({4, 64});
  HostEnd host(*memory);
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(host.send(1, "more than a piece", now).status, Status::TimeUp);
  EXPECT_EQ(host.send(1, "", much_later()).status, Status::TimeUp);
  EXPECT_EQ(host.receive(much_later()).status, Status::TimeUp);
}

TEST(ChannelEnds, AWaitLooksByItselfAsOftenAsItIsTold) {
  const auto memory = Memory::create();
  HostEnd host(*memory, std::chrono::milliseconds(1));
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  // Passed by the runner without a wake-up.
  std::thread silent([&] { memory->header().turn = 3; });
  EXPECT_EQ(host.receive(much_later()).status, Status::ProtocolError);
  silent.join();
}

TEST(ChannelEnds, WhoHasNoTurnCannotUseIt) {
  const auto memory = Memory::create();
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  EXPECT_THROW(host.receive(much_later()), std::logic_error);
  EXPECT_THROW(runner.send(1, ""), std::logic_error);
  EXPECT_THROW(host.send(kGoOn, "", much_later()), std::logic_error);
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  EXPECT_THROW(host.send(1, "", much_later()), std::logic_error);
  ASSERT_TRUE(runner.receive());
  EXPECT_THROW(runner.receive(), std::logic_error);
  EXPECT_THROW(runner.send(kGoOn, ""), std::logic_error);
}

TEST(ChannelEnds, ARunnerOfAnotherBuildIsAProtocolErrorThatNamesBoth) {
  const auto memory = Memory::create();
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  std::string("0.0.0, layout 0").copy(memory->header().runner_build, kBuildIdSize);
  memory->header().runner_build[15] = '\0';
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  ASSERT_TRUE(runner.receive());
  ASSERT_TRUE(runner.send(1, ""));
  const auto answer = host.receive(much_later());
  EXPECT_EQ(answer.status, Status::ProtocolError);
  EXPECT_EQ(answer.problem, "the runner is of build 0.0.0, layout 0, this host of build " + std::string(kBuildId) +
                                ": restart projectord after an upgrade");
}

} // namespace
} // namespace projector::channel
