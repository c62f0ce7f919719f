#include "runner/limits.hpp"

#include "sandboxed.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <new>

namespace projector::runner::test {
namespace {

constexpr std::size_t kMebibyte = 1UL << 20U;

std::string allocate(std::size_t size) {
  void* memory = std::malloc(size);
  const std::string answer = memory != nullptr ? "ok" : "no memory";
  std::free(memory);
  return answer;
}

TEST(Limits, MemoryEndsAtMemoryMax) {
  if (with_sanitizer()) {
    GTEST_SKIP() << "needs no sanitizer"; // its shadow memory is above every limit
  }
  const auto limited = [](std::size_t size) {
    return in_child([=] {
      apply_limits({256 * kMebibyte, {}});
      return allocate(size);
    });
  };
  EXPECT_EQ(limited(64 * kMebibyte), "ok");
  EXPECT_EQ(limited(257 * kMebibyte), "no memory");
  const auto thrown = in_child([] {
    apply_limits({256 * kMebibyte, {}});
    try {
      return std::string(257 * kMebibyte, 'x').substr(0, 1);
    } catch (const std::bad_alloc&) {
      return std::string("thrown");
    }
  });
  EXPECT_EQ(thrown, "thrown");
}

TEST(Limits, MemoryMaxHoldsForThoseWhoTryToRaiseIt) {
  if (with_sanitizer() || !seccomp_works()) {
    GTEST_SKIP() << "needs no sanitizer, seccomp";
  }
  const auto answer = in_child([] {
    apply_limits({256 * kMebibyte, {}});
    enter_sandbox({});
    const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_DATA, &more);
    return allocate(257 * kMebibyte);
  });
  EXPECT_EQ(answer, "no memory");
}

TEST(Limits, NiceIsAbsolute) {
  const auto nice = in_child([] {
    apply_limits({0, 11});
    return std::to_string(::getpriority(PRIO_PROCESS, 0));
  });
  EXPECT_EQ(nice, "11");
}

TEST(Limits, NothingIsSetUnlessAsked) {
  const auto limits = [] {
    rlimit data{};
    rlimit core{};
    ::getrlimit(RLIMIT_DATA, &data);
    ::getrlimit(RLIMIT_CORE, &core);
    return std::to_string(data.rlim_cur) + " " + std::to_string(data.rlim_max) + " " + std::to_string(core.rlim_cur) +
           " " + std::to_string(::getpriority(PRIO_PROCESS, 0));
  };
  EXPECT_EQ(in_child([&] {
              apply_limits({});
              return limits();
            }),
            limits());
}

TEST(Limits, ARunnerEndsAtOnceIfItsParentIsGone) {
  EXPECT_EQ(in_child([] {
              die_with(::getppid() + 1);
              return std::string("lives");
            }),
            "ended the process: exit code 1");
  EXPECT_EQ(in_child([] {
              die_with(::getppid());
              return std::string("lives");
            }),
            "lives");
}

/// The runner holds the pipe's write end until it is killed.
TEST(Limits, ARunnerDiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const auto start_and_end = [&] {
    const pid_t starter = ::getpid();
    const pid_t runner = ::fork();
    if (runner == 0) {
      ::setpgid(0, 0); // since the starter's group is killed
      die_with(starter);
      ::alarm(120); // ends it if the test has failed
      static_cast<void>(::write(ends[1], "x", 1));
      while (true) {
        ::pause();
      }
    }
    char byte = 0;
    static_cast<void>(::read(ends[0], &byte, 1)); // only now may the starter end
    return std::to_string(byte);
  };
  EXPECT_EQ(in_child(start_and_end), std::to_string('x'));
  ::close(ends[1]);
  pollfd end{ends[0], POLLIN, 0};
  EXPECT_EQ(::poll(&end, 1, 60'000), 1);
  EXPECT_EQ(end.revents, POLLHUP);
  ::close(ends[0]);
}

} // namespace
} // namespace projector::runner::test
