#include "echo_runner.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <random>
#include <thread>

namespace projector::channel {
namespace {

using test::echo;
using test::exchange;
using test::only_woken;
using test::pattern;
using Status = HostEnd::Status;

/// A child process that serves the channel. The calling process has one thread.
class Child {
public:
  Child(const Memory& memory, const std::function<void(Memory&)>& serve) : pid_(::fork()) {
    if (pid_ == 0) {
      serve(*Memory::open(memory.descriptor()));
      ::_exit(0);
    }
  }
  ~Child() {
    if (pid_ > 0) {
      kill();
      wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill() const { ::kill(pid_, SIGKILL); }
  /// As waitpid has it.
  int wait() {
    int status = -1;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

private:
  pid_t pid_;
};

void serve_echo(Memory& memory) {
  RunnerEnd runner(memory);
  echo(runner);
}

TEST(ChannelProcesses, MessagesOfManySizesComeBackFromAnotherProcess) {
  const auto memory = Memory::create({1000, 3000, Turn::kClosed - 50});
  HostEnd host(*memory, only_woken());
  Child child(*memory, serve_echo);
  for (std::size_t size = 0; size < 20000; size = size * 5 / 4 + 1) {
    const std::string bytes = pattern(size);
    const auto answer = exchange(host, 3, bytes);
    ASSERT_EQ(answer.status, Status::Message) << answer.problem;
    ASSERT_TRUE(answer.bytes == bytes);
  }
  host.close();
  EXPECT_EQ(child.wait(), 0) << "the runner ends when the channel is closed";
}

TEST(ChannelProcesses, TheDeathOfTheRunnerWakesTheHost) {
  for (int i = 0; i < 100; ++i) {
    const auto memory = Memory::create();
    HostEnd host(*memory, only_woken());
    Child child(*memory, [](Memory& opened) {
      RunnerEnd(opened).receive();
      opened.record_crash({SIGSEGV, 1, 2, 3, 4});
      ::raise(SIGKILL);
    });
    const base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0)));
    ASSERT_TRUE(pidfd);
    std::thread watcher([&] {
      pollfd watched = {pidfd.get(), POLLIN, 0};
      while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
      }
      host.close();
    });
    const auto answer = exchange(host, 1, "die");
    watcher.join();
    ASSERT_EQ(answer.status, Status::Closed) << answer.problem;
    EXPECT_EQ(WTERMSIG(child.wait()), SIGKILL);
    EXPECT_EQ(memory->crash(), (Crash{SIGSEGV, 1, 2, 3, 4}));
  }
}

TEST(ChannelProcesses, ARunnerCannotResizeTheMemory) {
  const auto memory = Memory::create();
  const int fd = memory->descriptor();
  Child child(*memory, [fd](Memory&) {
    const bool refused = ::ftruncate(fd, 0) == -1 && errno == EPERM && ::ftruncate(fd, 1 << 28) == -1;
    ::_exit(refused ? 0 : 1);
  });
  EXPECT_EQ(child.wait(), 0);
}

/// In each of its turns it does what it should, or answers with random bytes in places that matter.
void serve_mischief(Memory& memory) {
  std::mt19937 random(static_cast<std::uint32_t>(memory.options().first_turn));
  Header& header = memory.header();
  RunnerEnd runner(memory);
  while (const auto message = runner.receive()) {
    const std::string copy(message->bytes);
    for (std::size_t left = random() % 4; left > 0; --left) {
      memory.to_host()[random() % memory.options().to_host_size] = static_cast<char>(random());
    }
    if (random() % 8 == 0) {
      header.to_host.kind = random() % 3;
      header.to_host.length = random() % 5000;
      header.to_host.more = random() % 3;
      header.turn = header.turn + (random() % 3 == 0 ? random() : 1);
    }
    if (!runner.send(message->kind, copy)) {
      return;
    }
  }
}

TEST(ChannelProcesses, AProcessThatBreaksTheRulesGivesErrorsAndTimeOuts) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    const auto memory = Memory::create({1000, 1000, seed});
    HostEnd host(*memory);
    Child child(*memory, serve_mischief);
    HostEnd::Received received;
    for (int call = 0; call < 200 && received.status == Status::Message; ++call) {
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
      received = host.send(1, pattern(call % 2 == 0 ? 10 : 3000), deadline);
      if (received.status == Status::Message) {
        received = host.receive(deadline);
      }
    }
    EXPECT_TRUE(received.status == Status::TimeUp || received.status == Status::ProtocolError);
  }
}

} // namespace
} // namespace projector::channel
