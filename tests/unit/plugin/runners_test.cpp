#include "plugin/runners.hpp"

#include "base/process_limits.hpp"
#include "recorded_runner.hpp"
#include "support/temporary_directory.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <deque>
#include <optional>
#include <system_error>
#include <thread>

namespace projector::plugin {
namespace {

using test::eventually;
using test::RecordedRunner;

const std::string for_ever = "exec sleep 100000";

/// A process that need not be a child.
class Other {
public:
  explicit Other(const std::string& pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, std::atoi(pid.c_str()), 0))) {
    EXPECT_TRUE(fd_) << pid;
  }
  [[nodiscard]] bool runs() const {
    pollfd ended = {fd_.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 0;
  }
  void kill() const { ::syscall(SYS_pidfd_send_signal, fd_.get(), SIGKILL, nullptr, 0); }

private:
  base::UniqueFd fd_;
};

TEST(Runners, AnExitCode) {
  RecordedRunner recorded;
  Runners runners;
  const Runner runner = runners.start(recorded.shell("exit 7"));
  const Exit exit = recorded.ended();
  EXPECT_EQ(exit.code, 7);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_EQ(to_text(exit), "exit code 7");
  ASSERT_TRUE(runner.exit());
  EXPECT_EQ(runner.exit()->code, 7);
}

TEST(Runners, ASignal) {
  RecordedRunner recorded;
  Runners runners;
  const Runner runner = runners.start(recorded.shell("ulimit -c 0; kill -TERM $$"));
  const Exit exit = recorded.ended();
  EXPECT_EQ(exit.signal, SIGTERM);
  EXPECT_FALSE(exit.core_dumped);
  EXPECT_EQ(to_text(exit), "signal 15 (Terminated)");
}

TEST(Runners, ACoreIsNoticed) {
  const test::TemporaryDirectory directory;
  const std::string script = fmt::format("cd {} && ulimit -c unlimited; kill -SEGV $$", directory.path().string());
  // Whether there is a core depends on the machine.
  const int status = std::system(script.c_str());
  ASSERT_TRUE(WIFSIGNALED(status));
  RecordedRunner recorded;
  Runners runners;
  const Runner runner = runners.start(recorded.shell(script));
  EXPECT_EQ(recorded.ended().signal, SIGSEGV);
  EXPECT_EQ(recorded.ended().core_dumped, WCOREDUMP(status) != 0);
}

TEST(Runners, TextsOfExits) {
  Exit exit;
  exit.signal = SIGSEGV;
  exit.core_dumped = true;
  EXPECT_EQ(to_text(exit), "signal 11 (Segmentation fault), core dumped");
  exit = {};
  exit.code = -1;
  EXPECT_EQ(to_text(exit), "an unknown exit code");
}

TEST(Runners, AMissingProgramIsNamed) {
  RecordedRunner recorded;
  Runners runners;
  try {
    const Runner runner = runners.start(recorded.start("/nowhere/runner", {}));
    FAIL() << "started";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(error.what(), testing::HasSubstr("cannot start /nowhere/runner"));
  }
  EXPECT_EQ(recorded.exits(), 0);
}

TEST(Runners, ADescriptorThatIsNotOpenIsRefused) {
  RecordedRunner recorded;
  Runners runners;
  Start start = recorded.shell("true");
  start.descriptors = {-1};
  EXPECT_THROW(static_cast<void>(runners.start(std::move(start))), std::system_error);
}

TEST(Runners, KillEndsItAndIsHarmlessLater) {
  RecordedRunner recorded;
  Runners runners;
  Runner runner = runners.start(recorded.shell(for_ever));
  EXPECT_FALSE(runner.exit());
  runner.kill();
  EXPECT_EQ(recorded.ended().signal, SIGKILL);
  runner.kill();
  EXPECT_EQ(recorded.exits(), 1);
}

TEST(Runners, AHandleKillsAndWaits) {
  RecordedRunner recorded;
  Runners runners;
  std::optional<Runner> runner = runners.start(recorded.shell(for_ever));
  const Other process(std::to_string(runner->pid()));
  runner.reset();
  EXPECT_FALSE(process.runs());
  EXPECT_EQ(recorded.exits(), 1);
}

TEST(Runners, AMovedHandleKillsWhatItHad) {
  RecordedRunner first;
  RecordedRunner second;
  Runners runners;
  Runner runner = runners.start(first.shell(for_ever));
  runner = runners.start(second.shell(for_ever));
  EXPECT_EQ(first.exits(), 1);
  EXPECT_EQ(second.exits(), 0);
}

TEST(Runners, ACallbackMayDestroyTheHandleButStartNothing) {
  RecordedRunner recorded;
  Runners runners;
  std::mutex mutex;
  std::optional<Runner> runner;
  bool destroyed = false;
  bool refused = false;
  Start start = recorded.shell("read line");
  start.on_exit = [&](const Exit&) {
    try {
      static_cast<void>(runners.start(recorded.shell("true")));
    } catch (const std::system_error&) {
      refused = true;
    }
    const std::lock_guard lock(mutex);
    runner.reset();
    destroyed = true;
  };
  {
    const std::lock_guard lock(mutex);
    runner = runners.start(std::move(start));
  }
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return destroyed;
  }));
  EXPECT_TRUE(refused);
}

TEST(Runners, WhatACallbackThrowsIsDropped) {
  RecordedRunner recorded;
  Runners runners;
  Start start = recorded.shell("echo first; exit 3");
  start.on_line = [](int, std::string_view) { throw std::runtime_error("thrown by a callback"); };
  const Runner runner = runners.start(std::move(start));
  EXPECT_EQ(recorded.ended().code, 3);
}

TEST(Runners, ManyFromSeveralThreadsAtOnce) {
  std::deque<RecordedRunner> recorded(100);
  Runners runners;
  std::vector<std::optional<Runner>> started(recorded.size());
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < 5; ++first) {
    threads.emplace_back([&, first] {
      for (std::size_t i = first; i < recorded.size(); i += 5) {
        started[i] = runners.start(recorded[i].shell(for_ever));
        if (i % 2 == 0) {
          started[i]->kill(); // it may not have come to its first instruction
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  for (std::size_t i = 0; i < recorded.size(); i += 2) {
    EXPECT_EQ(recorded[i].ended().signal, SIGKILL);
  }
  for (std::size_t i = 1; i < recorded.size(); i += 2) {
    EXPECT_FALSE(started[i]->exit());
  }
}

TEST(Runners, TheEndKillsAll) {
  std::deque<RecordedRunner> recorded(100);
  std::vector<Runner> handles;
  std::vector<Other> processes;
  {
    Runners runners;
    for (auto& one : recorded) {
      handles.push_back(runners.start(one.shell(for_ever)));
      processes.emplace_back(std::to_string(handles.back().pid()));
    }
  }
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    EXPECT_FALSE(processes[i].runs());
    EXPECT_EQ(recorded[i].exits(), 1);
    EXPECT_EQ(handles[i].exit().value().signal, SIGKILL);
    handles[i].kill();
  }
}

TEST(Runners, NoDescriptorIsLeftOpen) {
  Runners runners;
  const auto before = base::open_descriptors();
  for (int i = 0; i < 200; ++i) {
    RecordedRunner recorded;
    const Runner runner = runners.start(recorded.start("/bin/true", {}));
    ASSERT_EQ(recorded.ended().code, 0);
    ASSERT_THROW(static_cast<void>(runners.start(recorded.start("/nowhere", {}))), std::system_error);
  }
  EXPECT_TRUE(eventually([&] { return base::open_descriptors() == before; }));
}

TEST(Runners, WithoutFreeDescriptorsAStartFailsAndLaterOnesWork) {
  Runners runners;
  const auto before = base::open_descriptors();
  rlimit limit = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const int lowest = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  ::close(lowest);
  for (rlim_t free = 0; free < 12; ++free) {
    RecordedRunner recorded;
    rlimit low = limit;
    low.rlim_cur = static_cast<rlim_t>(lowest) + free;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    bool started = false;
    std::optional<std::system_error> failure;
    try {
      const Runner runner = runners.start(recorded.shell("true"));
      started = true;
    } catch (const std::system_error& error) {
      failure = error;
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (failure) { // compared now, since a sanitizer needs descriptors for it
      EXPECT_EQ(failure->code(), std::errc::too_many_files_open) << failure->what();
    }
    EXPECT_TRUE(free > 3 || !started) << free;
  }
  EXPECT_TRUE(eventually([&] { return base::open_descriptors() == before; }));
  RecordedRunner recorded;
  const Runner runner = runners.start(recorded.shell("exit 5"));
  EXPECT_EQ(recorded.ended().code, 5);
}

TEST(Runners, ProcessesOfItsGroupEndWithIt) {
  RecordedRunner recorded;
  Runners runners;
  Runner runner = runners.start(recorded.shell("sleep 100000 & echo $!; wait"));
  const Other child(recorded.first_line());
  EXPECT_TRUE(child.runs());
  runner.kill();
  EXPECT_EQ(recorded.ended().signal, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !child.runs(); }));
}

TEST(Runners, AChildThatHoldsTheOutputDelaysNothing) {
  RecordedRunner recorded;
  Runners runners;
  Runner runner = runners.start(recorded.shell("setsid sh -c 'echo $$; " + for_ever + "' & wait"));
  const Other child(recorded.first_line());
  runner.kill();
  EXPECT_EQ(recorded.ended().signal, SIGKILL);
  EXPECT_TRUE(child.runs());
  child.kill();
}

TEST(Runners, ARunnerDiesWithTheHost) {
  RecordedRunner recorded;
  Runners runners;
  Runner host = runners.start(recorded.start(PROJECTOR_TEST_BIN_DIR "/test_runner_host", {}));
  const Other runner(recorded.first_line());
  ASSERT_TRUE(runner.runs());
  // Its own process only: the runner has a group of its own.
  host.kill();
  EXPECT_EQ(recorded.ended().signal, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !runner.runs(); }));
}

TEST(Runners, WhatARunnerUses) {
  RecordedRunner recorded;
  Runners runners;
  Runner runner = runners.start(recorded.shell("while :; do :; done"));
  EXPECT_TRUE(eventually([&] { return runner.usage().value().cpu >= std::chrono::milliseconds(20); }));
  const Usage usage = runner.usage().value();
  EXPECT_GT(usage.private_bytes.value(), 4096U);
  runner.kill();
  EXPECT_GE(recorded.ended().cpu, std::chrono::milliseconds(10));
  EXPECT_FALSE(runner.usage());
}

} // namespace
} // namespace projector::plugin
