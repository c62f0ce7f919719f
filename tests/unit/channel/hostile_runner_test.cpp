#include "channel/kind.hpp"
#include "channel/statements.hpp"
#include "echo_runner.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <thread>

namespace projector::channel {
namespace {

using test::dawdle;
using test::echo;
using test::much_later;
using test::pattern;
using Status = HostEnd::Status;

/// What the host receives after a runner did `mischief` in its turn, for a message of 16 bytes; the bytes are gone.
HostEnd::Received after(const std::function<void(Memory&)>& mischief) {
  const auto memory = Memory::create({64, 64});
  HostEnd host(*memory);
  RunnerEnd runner(*memory);
  EXPECT_EQ(host.send(1, "", much_later()).status, Status::Message);
  EXPECT_TRUE(runner.receive());
  EXPECT_TRUE(runner.send(7, std::string(16, 'x')));
  mischief(*memory);
  auto answer = host.receive(much_later());
  if (answer.status == Status::ProtocolError) {
    EXPECT_EQ(host.send(1, "", much_later()).status, Status::ProtocolError) << "it is for good";
    EXPECT_EQ(host.receive(much_later()).problem, answer.problem);
  }
  return answer;
}

std::string problem_after(const std::function<void(Memory&)>& mischief) {
  const auto answer = after(mischief);
  return answer.status == Status::ProtocolError ? answer.problem : "no protocol error";
}

TEST(HostileRunner, IsHonestWithoutMischief) {
  const auto answer = after([](Memory&) {});
  EXPECT_EQ(answer.status, Status::Message);
  EXPECT_EQ(answer.kind, 7U);
  EXPECT_EQ(answer.bytes.size(), 16U);
}

TEST(HostileRunner, AWrongNumberOfTheTurnIsAProtocolError) {
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().turn = 0; }), "the turn is number 0, expected 2");
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().turn = 3; }), "the turn is number 3, expected 2");
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().turn = Turn::kClosed - 1; }),
            "the turn is number 2147483647, expected 2");
}

TEST(HostileRunner, ACloseByTheRunnerIsAProtocolError) {
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().turn = Turn::kClosed | 1U; }),
            "the runner closed the channel, which is the host's to do");
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().turn = UINT32_MAX; }),
            "the runner closed the channel, which is the host's to do");
}

TEST(HostileRunner, AWrongMarkIsAProtocolError) {
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().to_host.more = 2; }),
            "a message has the mark 2, expected 0 or 1");
}

TEST(HostileRunner, AWrongLengthIsAProtocolError) {
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().to_host.length = 65; }),
            "a message has 65 bytes in an area of 64");
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().to_host.length = UINT32_MAX; }),
            "a message has 4294967295 bytes in an area of 64");
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().to_host.more = 1; }),
            "a piece of a message has 16 bytes in an area of 64");
}

TEST(HostileRunner, ABareTurnIsNoMessage) {
  EXPECT_EQ(problem_after([](Memory& memory) { memory.header().to_host.kind = kGoOn; }),
            "the runner passed a bare turn, expected a message");
}

TEST(HostileRunner, TheSizesInTheMemoryDoNotMatterToTheHost) {
  const auto answer = after([](Memory& memory) {
    memory.header().to_host_size = UINT32_MAX;
    memory.header().to_runner_size = 0;
    memory.header().first_turn = 99;
    memory.header().most_accepted = 0;
  });
  EXPECT_EQ(answer.status, Status::Message);
}

TEST(HostileRunner, AMessageThatChangesItsKindIsAProtocolError) {
  const auto memory = Memory::create({64, 8});
  HostEnd host(*memory);
  Header& header = memory->header();
  const RunnerEnd runner(*memory); // leaves its build
  ASSERT_EQ(host.send(1, "", much_later()).status, Status::Message);
  const auto piece = [&](std::uint32_t kind, std::uint32_t turn) {
    header.to_host.kind = kind;
    header.to_host.length = 8;
    header.to_host.more = 1;
    header.turn = turn;
  };
  piece(7, 2);
  EXPECT_EQ(host.receive(std::chrono::steady_clock::now()).status, Status::TimeUp);
  EXPECT_EQ(header.turn, 3U) << "the host has asked for the next piece";
  piece(8, 4);
  EXPECT_EQ(host.receive(much_later()).problem, "a message of kind 7 went on as kind 8");
}

TEST(HostileRunner, AnAnswerToAPieceIsABareTurn) {
  for (const auto& [kind, length, more] : {std::tuple{1U, 0U, 0U}, {kGoOn, 1U, 0U}, {kGoOn, 64U, 1U}}) {
    const auto memory = Memory::create({4, 64});
    HostEnd host(*memory);
    const RunnerEnd runner(*memory); // leaves its build
    Header& header = memory->header();
    std::thread thread([&, kind = kind, length = length, more = more] {
      Turn turn(header.turn, 0, false);
      EXPECT_EQ(turn.wait(much_later()), Turn::Found::Mine);
      header.to_host.kind = kind;
      header.to_host.length = length;
      header.to_host.more = more;
      EXPECT_EQ(turn.pass(), Turn::Found::Mine);
    });
    const auto sent = host.send(1, "more than a piece", much_later());
    thread.join();
    EXPECT_EQ(sent.status, Status::ProtocolError);
    EXPECT_EQ(sent.problem.rfind("the runner answered a piece of a message with kind ", 0), 0U) << sent.problem;
  }
}

/// Writes random bytes to random places until it is destroyed, through a mapping of its own, as a process would.
class Scribbler {
public:
  Scribbler(int fd, std::uint32_t seed)
      : memory_(Memory::open(fd)), size_(kHeaderSize + 2 * std::size_t{4096}),
        thread_([this, seed] { run(std::mt19937(seed)); }) {}
  ~Scribbler() {
    done_ = true;
    thread_.join();
  }
  Scribbler(const Scribbler&) = delete;
  Scribbler& operator=(const Scribbler&) = delete;

private:
  void run(std::mt19937 random) {
    auto* const bytes = reinterpret_cast<volatile unsigned char*>(&memory_->header());
    while (!done_) {
      const bool header = random() % 2 == 0;
      std::size_t at = header ? random() % sizeof(Header) : random() % size_;
      for (std::size_t left = 1 + random() % 16; left > 0 && at < size_; --left) {
        bytes[at++] = static_cast<unsigned char>(random() % 4 == 0 ? random() : random() % 3);
      }
      dawdle(random);
    }
  }

  const std::unique_ptr<Memory> memory_;
  const std::size_t size_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

/// What a host makes of a message: it may only be refused as malformed.
void take_apart(const HostEnd::Received& received) {
  try {
    StatementReader reader(received.bytes);
    Statement statement;
    while (reader.next(statement)) {
    }
    reader.plugin_verdict();
  } catch (const Malformed& malformed) {
    EXPECT_STRNE(malformed.what(), "");
  }
}

TEST(HostileRunner, RandomBytesAtRandomTimesGiveMessagesErrorsAndTimeOuts) {
  Writer end;
  const projector_value values[] = {{"value", 5, 25, 0}, {nullptr, 0, 20, 1}};
  for (std::uint32_t i = 0; i < 50; ++i) {
    append_statement(end, {i, 0, "INSERT INTO t VALUES ($1, $2)", values, 2});
  }
  finish_end(end, {PROJECTOR_OK, PROJECTOR_NO_EVENT, ""});
  std::size_t messages = 0;
  std::size_t errors = 0;
  for (std::uint32_t round = 0; round < 300; ++round) {
    const auto memory = Memory::create({4096, 4096, 0, 100000});
    HostEnd host(*memory);
    std::thread runner([&] {
      RunnerEnd end_of_runner(*memory);
      echo(end_of_runner);
    });
    {
      const Scribbler scribbler(memory->descriptor(), round);
      HostEnd::Received received;
      for (int call = 0; call < 200 && received.status == Status::Message; ++call) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
        const auto kind = number_of(call % 2 == 0 ? Kind::End : Kind::Facts);
        received = host.send(kind, call % 3 == 0 ? pattern(10000) : end.view(), deadline);
        if (received.status == Status::Message) {
          received = host.receive(deadline);
        }
        if (received.status == Status::Message) {
          ++messages;
          take_apart(received);
        }
      }
      EXPECT_NE(received.status, Status::Closed);
      errors += received.status == Status::ProtocolError ? 1 : 0;
    }
    host.close();
    runner.join();
  }
  EXPECT_GT(messages, 0U);
  EXPECT_GT(errors, 0U);
}

} // namespace
} // namespace projector::channel
