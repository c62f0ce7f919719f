#include "plugin/runner_output.hpp"

#include "plugin/runners.hpp"
#include "recorded_runner.hpp"
#include "support/wait.hpp"

#include <projector/plugin.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

namespace projector::plugin {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using test::RecordedRunner;
using testing::ElementsAre;
using Line = RecordedRunner::Line;

/// What a script that ends has logged.
std::vector<Line> lines_of(const std::string& script) {
  RecordedRunner recorded;
  Runners runners;
  const Runner runner = runners.start(recorded.shell(script));
  EXPECT_EQ(recorded.ended().code, 0);
  return recorded.lines();
}

TEST(RunnerOutput, LinesOfStdoutAndStderr) {
  EXPECT_THAT(lines_of("echo one; echo two"),
              ElementsAre(Line{PROJECTOR_LOG_INFO, "one"}, Line{PROJECTOR_LOG_INFO, "two"}));
  EXPECT_THAT(lines_of("echo one >&2"), ElementsAre(Line{PROJECTOR_LOG_WARN, "one"}));
}

TEST(RunnerOutput, LinesOfTheLog) {
  EXPECT_THAT(lines_of(R"(printf '\004\000\000\000bad\nnews' >&3; printf '\001\000\000\000detail' >&3)"),
              ElementsAre(Line{PROJECTOR_LOG_ERROR, "bad news"}, Line{PROJECTOR_LOG_DEBUG, "detail"}));
}

TEST(RunnerOutput, PacketsThatAreNoLogLinesAreIgnored) {
  EXPECT_THAT(lines_of(R"(printf 'abc' >&3; printf '\011\000\000\000x' >&3; printf '\002\000\000\000x' >&3)"),
              ElementsAre(Line{PROJECTOR_LOG_INFO, "x"}));
}

TEST(RunnerOutput, ALastLineWithoutANewline) {
  EXPECT_THAT(lines_of("echo one; printf two"),
              ElementsAre(Line{PROJECTOR_LOG_INFO, "one"}, Line{PROJECTOR_LOG_INFO, "two"}));
}

TEST(RunnerOutput, EmptyLinesAreLeftOut) {
  EXPECT_THAT(lines_of("echo; echo; echo one; echo"), ElementsAre(Line{PROJECTOR_LOG_INFO, "one"}));
}

TEST(RunnerOutput, ALongLineIsCut) {
  const auto lines = lines_of("head -c 1048576 /dev/zero | tr '\\0' x; echo; echo next");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, std::string(RunnerOutput::kLongestLine - 3, 'x') + "\xE2\x80\xA6");
  EXPECT_EQ(lines[1].text, "next");
}

TEST(RunnerOutput, BytesThatAreNoTextAreReplaced) {
  EXPECT_THAT(lines_of(R"(printf '\377a\001b\000c\n')"), ElementsAre(Line{PROJECTOR_LOG_INFO, "\xEF\xBF\xBD"
                                                                                              "a b c"}));
}

/// Lines that are in `lines`, those that the host says were dropped included.
std::uint64_t counted(const std::vector<Line>& lines) {
  std::uint64_t count = 0;
  for (const auto& line : lines) {
    unsigned long long dropped = 0;
    count += std::sscanf(line.text.c_str(), "%llu more lines of output", &dropped) == 1 ? dropped : 1;
  }
  return count;
}

TEST(RunnerOutput, AFloodIsBoundedAndCounted) {
  const auto lines = lines_of("yes | head -n 100000");
  EXPECT_EQ(counted(lines), 100000U);
  EXPECT_LT(lines.size(), 50000U);
}

TEST(RunnerOutput, WhatWasDroppedIsToldWhileTheRunnerLives) {
  RecordedRunner recorded;
  Runners runners;
  const Runner runner = runners.start(recorded.shell("yes | head -n 10000; exec sleep 100000"));
  EXPECT_TRUE(eventually([&] { return counted(recorded.lines()) == 10000; }));
  EXPECT_FALSE(runner.exit());
}

TEST(RunnerOutput, AFloodOfOneDoesNotSilenceAnother) {
  RecordedRunner flood;
  RecordedRunner quiet;
  Runners runners;
  const Runner first = runners.start(flood.shell("exec yes"));
  const Runner second = runners.start(quiet.shell("echo one; echo two >&2; exit 4"));
  EXPECT_EQ(quiet.ended().code, 4);
  EXPECT_EQ(quiet.lines().size(), 2U);
  EXPECT_FALSE(first.exit());
}

TEST(RunnerOutput, ARunnerMayCloseItsOutput) {
  RecordedRunner recorded;
  Runners runners;
  Runner runner = runners.start(recorded.shell("exec >&- 3>&-; echo later >&2; exec 2>&-; exec sleep 100000"));
  EXPECT_TRUE(recorded.says("later"));
  EXPECT_FALSE(runner.exit());
  runner.kill();
  EXPECT_EQ(recorded.ended().signal, SIGKILL);
}

TEST(RunnerOutput, TheEndTakesWhatIsLeftAlthoughSomebodyHoldsTheOtherEnds) {
  std::vector<Line> lines;
  RunnerOutput output([&](int level, std::string_view text) { lines.push_back({level, std::string(text)}); });
  const auto ends = output.runner_ends();
  const std::string log("\2\0\0\0log", 7);
  ASSERT_EQ(::write(ends[0], "one\npart", 8), 8);
  ASSERT_EQ(::write(ends[1], "two\n", 4), 4);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(::write(ends[2], log.data(), log.size()), 7);
  }
  output.finish(base::Clock::now());
  ASSERT_EQ(lines.size(), 103U);
  lines.resize(4);
  EXPECT_THAT(lines, ElementsAre(Line{PROJECTOR_LOG_INFO, "one"}, Line{PROJECTOR_LOG_INFO, "part"},
                                 Line{PROJECTOR_LOG_WARN, "two"}, Line{PROJECTOR_LOG_INFO, "log"}));
  for (const auto source : RunnerOutput::kSources) {
    EXPECT_EQ(output.fd(source), -1);
  }
}

TEST(LineQuota, CountsAnewEachSecond) {
  LineQuota quota;
  const base::TimePoint start = base::Clock::now();
  for (std::uint32_t i = 0; i < LineQuota::kLinesPerSecond; ++i) {
    EXPECT_TRUE(quota.take(start));
  }
  EXPECT_FALSE(quota.report_at());
  EXPECT_FALSE(quota.take(start + milliseconds(500)));
  EXPECT_FALSE(quota.take(start + milliseconds(999)));
  EXPECT_EQ(quota.report_at(), start + milliseconds(1500));
  EXPECT_TRUE(quota.take(start + seconds(1)));
  EXPECT_EQ(quota.take_dropped(), 2U);
  EXPECT_FALSE(quota.report_at());
  EXPECT_EQ(quota.take_dropped(), 0U);
}

TEST(LineSplitter, PutsPiecesTogether) {
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  LineSplitter splitter(5);
  splitter.add("a\nb", take);
  splitter.add("c", take);
  splitter.add("d\n\nef", take);
  EXPECT_THAT(lines, ElementsAre("a", "bcd", ""));
  splitter.add("ghijkl", take);
  splitter.add("mn", take);
  splitter.finish(take);
  splitter.finish(take);
  EXPECT_THAT(lines, ElementsAre("a", "bcd", "", "efghij"));
}

} // namespace
} // namespace projector::plugin
