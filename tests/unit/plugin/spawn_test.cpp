#include "plugin/spawn.hpp"

#include "plugin/runners.hpp"
#include "recorded_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>

namespace projector::plugin {
namespace {

using test::RecordedRunner;
using testing::ElementsAre;
using testing::IsEmpty;

base::UniqueFd file_with(const std::string& text) {
  base::UniqueFd fd(::memfd_create("text", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return fd;
}

std::vector<std::string> output_of(RecordedRunner& recorded, Start start) {
  Runners runners;
  const Runner runner = runners.start(std::move(start));
  EXPECT_EQ(recorded.ended().code, 0);
  return recorded.texts();
}

TEST(Spawn, ARunnerHasExactlyTheDescriptorsThatArePassed) {
  const base::UniqueFd inheritable(::dup(STDERR_FILENO));
  const auto passed = file_with("");
  RecordedRunner recorded;
  Start start = recorded.start("/bin/ls", {"/proc/self/fd"});
  start.descriptors = {passed.get(), passed.get()};
  // 6 is the directory that ls reads.
  EXPECT_THAT(output_of(recorded, std::move(start)), ElementsAre("0", "1", "2", "3", "4", "5", "6"));
}

TEST(Spawn, DescriptorsGetTheirNumbersWhateverTheyWere) {
  // Opened first, they have the low numbers that they get the other way round.
  const auto first = file_with("first\n");
  const auto second = file_with("second\n");
  const auto third = file_with("third\n");
  RecordedRunner recorded;
  Start start = recorded.shell("cat <&4; cat <&5; cat <&6; readlink /proc/self/fd/0");
  start.descriptors = {third.get(), second.get(), first.get()};
  EXPECT_THAT(output_of(recorded, std::move(start)), ElementsAre("third", "second", "first", "/dev/null"));
}

TEST(Spawn, TheEnvironmentIsWhatWasGiven) {
  RecordedRunner recorded;
  Start start = recorded.start("/usr/bin/env", {});
  start.environment = {"TZ=Asia/Tokyo", "LANG=C"};
  EXPECT_THAT(output_of(recorded, std::move(start)), ElementsAre("TZ=Asia/Tokyo", "LANG=C"));
  RecordedRunner without;
  EXPECT_THAT(output_of(without, without.start("/usr/bin/env", {})), IsEmpty());
}

TEST(Spawn, TheEnvironmentOfARunnerHoldsNoSecret) {
  const char* const environment[] = {"PATH=/bin",  "TZ=UTC",    "PGPASSWORD=x", "LC_ALL=C",        "LANG=de_DE.UTF-8",
                                     "LANGUAGE=x", "TZDIR=/tz", "LC_TIME=C",    "PROJECTOR_DSN=y", nullptr};
  EXPECT_THAT(runner_environment(environment), ElementsAre("TZ=UTC", "LC_ALL=C", "LANG=de_DE.UTF-8", "LC_TIME=C"));
  EXPECT_THAT(runner_environment(nullptr), IsEmpty());
}

TEST(Spawn, ProcessListsShowTheTitle) {
  RecordedRunner recorded;
  Start start = recorded.start("/bin/sh", {"-c", R"(tr '\0' '\n' </proc/$$/cmdline | head -n 1)"});
  start.title = "projectord: revenue 3/4";
  EXPECT_THAT(output_of(recorded, std::move(start)), ElementsAre("projectord: revenue 3/4"));
}

TEST(Spawn, SignalsAreAsInAFreshProcess) {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  RecordedRunner recorded;
  const auto lines = output_of(recorded, recorded.start("/bin/grep", {"-E", "Sig(Blk|Ign)", "/proc/self/status"}));
  ::signal(SIGPIPE, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "SigBlk: 0000000000000000");
  // The C library itself has two signals, 32 and 33, ignored in each process that it spawns.
  EXPECT_EQ(std::stoull(lines[1].substr(lines[1].rfind(' ')), nullptr, 16) & 0x7fffffffU, 0U) << lines[1];
}

TEST(Spawn, ARunnerLeadsAProcessGroup) {
  RecordedRunner recorded;
  Runners runners;
  const Runner runner = runners.start(recorded.shell("exec sleep 100000"));
  EXPECT_EQ(::getpgid(runner.pid()), runner.pid());
}

} // namespace
} // namespace projector::plugin
