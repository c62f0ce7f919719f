#include "projection/background_session.hpp"

#include "pg/projection/projection_test.hpp"
#include "projection/bounded_statement.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace projector::projection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BackgroundSessionTest : public ProjectionTest {
protected:
  bool attempt(std::size_t task, const std::function<bool()>& action) {
    return session_.attempt(task, action, [](const std::string& error) { return "it failed: " + error; });
  }
  bool execute(std::size_t task, const std::string& sql) {
    return attempt(task, [&] {
      exec_bounded(session_.connection(), std::chrono::milliseconds(50), sql);
      return true;
    });
  }
  std::int32_t pid() {
    return static_cast<std::int32_t>(session_.connection().exec("SELECT pg_backend_pid()::int8").int8(0, 0));
  }

  base::Stop stop_;
  std::vector<std::string> reports_;
  BackgroundSession session_{options(), stop_, [this](const std::string& text) { reports_.push_back(text); }};
};

TEST_F(BackgroundSessionTest, ConnectsWhenItIsNeededAndAgainAfterItWasLost) {
  EXPECT_FALSE(session_.connected());
  const auto first = pid();
  EXPECT_EQ(pid(), first);
  run("SELECT pg_terminate_backend(" + std::to_string(first) + ", 10000)");
  EXPECT_FALSE(execute(0, "SELECT 1"));
  EXPECT_FALSE(session_.connected());
  EXPECT_TRUE(execute(0, "SELECT 1"));
  EXPECT_NE(pid(), first);
}

TEST_F(BackgroundSessionTest, WhatFailsAgainAndAgainIsReportedOnceUntilItSucceeds) {
  EXPECT_FALSE(execute(0, "SELECT 1 / 0"));
  EXPECT_FALSE(execute(0, "SELECT 1 / 0"));
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("it failed: division by zero")));
  EXPECT_TRUE(execute(0, "SELECT 1"));
  EXPECT_FALSE(execute(0, "SELECT 1 / 0"));
  EXPECT_EQ(reports_.size(), 2u);
}

TEST_F(BackgroundSessionTest, EachTaskIsReportedForItself) {
  EXPECT_FALSE(execute(0, "SELECT 1 / 0"));
  EXPECT_FALSE(execute(1, "SELECT 1 / 0"));
  EXPECT_TRUE(execute(0, "SELECT 1"));
  EXPECT_FALSE(execute(1, "SELECT 1 / 0"));
  EXPECT_EQ(reports_.size(), 2u);
}

TEST_F(BackgroundSessionTest, AnActionThatDidNotSucceedDoesNotEndTheTrouble) {
  session_.report_failure(0, "one row is refused");
  EXPECT_FALSE(attempt(0, [] { return false; }));
  EXPECT_FALSE(execute(0, "SELECT 1 / 0"));
  EXPECT_THAT(reports_, ElementsAre("one row is refused"));
}

TEST_F(BackgroundSessionTest, ARefusedStatementKeepsTheSession) {
  const auto first = pid();
  EXPECT_FALSE(execute(0, "SELECT 1 / 0"));
  EXPECT_EQ(pid(), first);
}

TEST_F(BackgroundSessionTest, WhoHoldsALockIsReported) {
  run("CREATE TABLE held ()");
  pg::Connection holder({.dsn = dsn_, .settings = {}}, base::no_stop());
  holder.script("BEGIN; LOCK TABLE held");
  EXPECT_FALSE(execute(0, "SELECT FROM held"));
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("holds AccessExclusiveLock on held")));
}

TEST_F(BackgroundSessionTest, AStopIsNotReported) {
  stop_.request();
  EXPECT_FALSE(attempt(0, []() -> bool { throw pg::Interrupted(); }));
  EXPECT_THAT(reports_, IsEmpty());
  EXPECT_FALSE(session_.connected());
}

TEST_F(BackgroundSessionTest, AnErrorOutsideTheServerIsReportedToo) {
  EXPECT_FALSE(attempt(0, []() -> bool { throw std::runtime_error("no memory"); }));
  EXPECT_THAT(reports_, ElementsAre("it failed: no memory"));
}

} // namespace
} // namespace projector::projection
