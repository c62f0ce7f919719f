#include "base/test_point.hpp"

#ifdef PROJECTOR_TEST_POINTS
#include "base/clock.hpp"
#include "base/unique_fd.hpp"
#include "support/temporary_directory.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace projector::base {
namespace {

/// A forked process that visits test points in order, and reports each visit from which it returned.
class Visitor {
public:
  /// `armed` is the value of PROJECTOR_TEST_POINT.
  Visitor(const char* armed, const std::vector<const char*>& points) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    reports_.reset(ends[0]);
    UniqueFd writes(ends[1]);
    pid_ = ::fork();
    if (pid_ < 0) {
      throw std::system_error(errno, std::generic_category(), "fork");
    }
    if (pid_ == 0) {
      visit_all(armed, points, writes.get());
    }
  }
  ~Visitor() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  /// The status of waitpid.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

  /// Visits reported until the process ends.
  [[nodiscard]] std::size_t all_reports() const {
    std::size_t count = 0;
    while (next_report(-1)) {
      ++count;
    }
    return count;
  }

  /// Waits until a visit is reported; false if the process ends or the milliseconds (-1: no limit) pass first.
  [[nodiscard]] bool next_report(int limit_ms) const {
    pollfd poll_fd{reports_.get(), POLLIN, 0};
    char byte = 0;
    return ::poll(&poll_fd, 1, limit_ms) == 1 && ::read(reports_.get(), &byte, 1) == 1;
  }

private:
  [[noreturn]] static void visit_all(const char* armed, const std::vector<const char*>& points, int writes) {
    ::setenv("PROJECTOR_TEST_POINT", armed, 1);
    for (const char* point : points) {
      PROJECTOR_TEST_POINT(point);
      if (::write(writes, ".", 1) != 1) {
        ::_exit(1);
      }
    }
    ::_exit(0);
  }

  UniqueFd reports_;
  pid_t pid_ = 0;
};

void expect_exits(Visitor& visitor, std::size_t reports) {
  EXPECT_EQ(visitor.all_reports(), reports);
  const int status = visitor.wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

void expect_killed(Visitor& visitor, std::size_t reports) {
  EXPECT_EQ(visitor.all_reports(), reports);
  const int status = visitor.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

TEST(TestPoint, DoesNothingUnlessArmed) {
  Visitor nothing("", {"a", "b"});
  expect_exits(nothing, 2);
  Visitor other("c=kill,=kill,a,b=unknown,@=kill", {"a", "b"});
  expect_exits(other, 2);
}

TEST(TestPoint, Kills) {
  Visitor visitor("b=kill", {"a", "b", "c"});
  expect_killed(visitor, 1);
}

TEST(TestPoint, TriggersOnTheGivenVisitOnly) {
  Visitor third("a@3=kill", {"a", "b", "a", "b", "a", "b"});
  expect_killed(third, 4);
  Visitor never_reached("a@3=kill", {"a", "b", "a"});
  expect_exits(never_reached, 3);
}

TEST(TestPoint, ArmsSeveral) {
  Visitor visitor("x=kill,b=sleep:1,c@2=kill", {"a", "b", "c", "b", "c"});
  expect_killed(visitor, 4);
}

TEST(TestPoint, SleepsAtLeastTheMilliseconds) {
  const TimePoint start = Clock::now();
  Visitor visitor("a=sleep:50", {"a", "a"});
  expect_exits(visitor, 2);
  EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(50));
}

TEST(TestPoint, WaitsUntilItsFileIsRemoved) {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "reached";
  const std::string armed = "b=signal:" + file.string();
  Visitor visitor(armed.c_str(), {"a", "b", "b"});
  ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(file); }));
  EXPECT_TRUE(visitor.next_report(-1));
  EXPECT_FALSE(visitor.next_report(20)) << "it went on although the file is there";
  std::filesystem::remove(file);
  expect_exits(visitor, 2);
  EXPECT_FALSE(std::filesystem::exists(file));
}

} // namespace
} // namespace projector::base
#endif
