#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <utility>

namespace projector::base {
namespace {

int open_null() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(fd, 0);
  return fd;
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

TEST(UniqueFd, OwnsNothingAtFirst) {
  const UniqueFd fd;
  EXPECT_EQ(fd.get(), -1);
  EXPECT_FALSE(static_cast<bool>(fd));
}

TEST(UniqueFd, ClosesWhenDestroyed) {
  const int raw = open_null();
  {
    const UniqueFd fd(raw);
    EXPECT_EQ(fd.get(), raw);
    EXPECT_TRUE(static_cast<bool>(fd));
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFdDeathTest, OwnsDescriptorZeroToo) {
  // In a child process, since this one needs its standard input.
  EXPECT_EXIT(
      {
        ::dup2(open_null(), 0);
        UniqueFd fd(0);
        const bool owned = static_cast<bool>(fd);
        fd.reset();
        ::_exit(owned && !is_open(0) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(UniqueFd, MovesOwnership) {
  const int raw = open_null();
  UniqueFd from(raw);
  const UniqueFd into(std::move(from));
  EXPECT_EQ(from.get(), -1); // NOLINT(bugprone-use-after-move): the test checks the moved-from object
  EXPECT_EQ(into.get(), raw);
  EXPECT_TRUE(is_open(raw));
}

TEST(UniqueFd, AssignmentClosesWhatItOwned) {
  const int first = open_null();
  const int second = open_null();
  UniqueFd fd(first);
  fd = UniqueFd(second);
  EXPECT_EQ(fd.get(), second);
  EXPECT_FALSE(is_open(first));
  EXPECT_TRUE(is_open(second));
}

TEST(UniqueFd, ResetClosesAndTakes) {
  const int first = open_null();
  const int second = open_null();
  UniqueFd fd(first);
  fd.reset(second);
  EXPECT_FALSE(is_open(first));
  EXPECT_EQ(fd.get(), second);
  fd.reset();
  EXPECT_FALSE(is_open(second));
  EXPECT_EQ(fd.get(), -1);
}

TEST(UniqueFd, ResetToTheSameKeepsItOpen) {
  const int raw = open_null();
  UniqueFd fd(raw);
  fd.reset(raw);
  EXPECT_TRUE(is_open(raw));
  EXPECT_EQ(fd.get(), raw);
}

} // namespace
} // namespace projector::base
