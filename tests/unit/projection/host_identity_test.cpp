#include "projection/host_identity.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace projector::projection {
namespace {

TEST(HostIdentity, IsReadAsItIsWritten) {
  const auto own = HostIdentity::of_this_process();
  EXPECT_EQ(own.pid, ::getpid());
  EXPECT_FALSE(own.place.empty());
  const auto read = HostIdentity::parse(own.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(), own.text());
  EXPECT_EQ(HostIdentity::parse("projectorctl-a/b/1f-2a/7")->machine, "projectorctl-a/b");
  EXPECT_EQ(own.text(), HostIdentity::of_this_process().text());
}

TEST(HostIdentity, OfOtherTextNothingIsKnown) {
  for (const char* text : {"", "/", "web/7", "web/x/7", "web/1-2/", "web/1-2/7x", "web/1-2/-7", "web/1-2/0", "/7"}) {
    EXPECT_FALSE(HostIdentity::parse(text)) << text;
    EXPECT_FALSE(has_ended(text, HostIdentity::of_this_process().text())) << text;
  }
}

TEST(HostIdentity, AProcessHasEndedWhereItIsGoneOrItsIdIsAnothersByNow) {
  const auto own = HostIdentity::of_this_process();
  EXPECT_FALSE(has_ended(own.text(), own.text()));
  auto other = own;
  other.pid = 4194305; // above the largest that Linux gives out
  EXPECT_TRUE(has_ended(other.text(), own.text()));
  other = own;
  other.started = "1";
  EXPECT_TRUE(has_ended(other.text(), own.text())) << "this id is of another process now";
}

TEST(HostIdentity, AKilledProcessThatNobodyHasWaitedForHasEnded) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto own = HostIdentity::of_this_process();
  const auto its = HostIdentity::of_process(child);
  EXPECT_FALSE(has_ended(its.text(), own.text()));
  ::kill(child, SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(has_ended(its.text(), own.text()));
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(has_ended(its.text(), own.text()));
}

TEST(HostIdentity, OfAnotherPlaceNothingIsConcluded) {
  const auto own = HostIdentity::of_this_process();
  auto other = own;
  other.place = "elsewhere";
  other.pid = 4194305;
  EXPECT_NE(other.text(), own.text());
  EXPECT_FALSE(has_ended(other.text(), own.text()));
}

} // namespace
} // namespace projector::projection
