#include "support/child_answer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace projector::test {
namespace {

constexpr auto kEnough = std::chrono::minutes(5);

TEST(ChildAnswer, ComesFromAnotherProcess) {
  const auto answer = ask_in_child([] { return std::to_string(::getpid()); }, kEnough);
  EXPECT_TRUE(answer.answered);
  EXPECT_NE(answer.text, std::to_string(::getpid()));
}

TEST(ChildAnswer, MayBeLongOrEmpty) {
  const std::string text(1U << 20, 'x');
  EXPECT_EQ(ask_in_child([&] { return text; }, kEnough).text, text);
  const auto empty = ask_in_child([] { return std::string(); }, kEnough);
  EXPECT_TRUE(empty.answered);
  EXPECT_EQ(empty.text, "");
}

TEST(ChildAnswer, ACrashIsAFinding) {
  const auto answer = ask_in_child(
      []() -> std::string {
        ::raise(SIGSEGV);
        return "survived";
      },
      kEnough);
  EXPECT_FALSE(answer.answered);
  EXPECT_EQ(answer.text, "crashed: signal 11 (Segmentation fault)");
}

TEST(ChildAnswer, AnExitIsAFinding) {
  const auto answer = ask_in_child([]() -> std::string { ::_exit(3); }, kEnough);
  EXPECT_FALSE(answer.answered);
  EXPECT_EQ(answer.text, "ended the process: exit code 3");
}

TEST(ChildAnswer, AnExceptionIsAFinding) {
  const auto answer = ask_in_child([]() -> std::string { throw std::runtime_error("no"); }, kEnough);
  EXPECT_FALSE(answer.answered);
  EXPECT_EQ(answer.text, "ended the process: exit code 1");
}

TEST(ChildAnswer, AChildThatHangsIsKilled) {
  const auto answer = ask_in_child(
      []() -> std::string {
        while (true) {
          ::pause();
        }
      },
      std::chrono::milliseconds(50));
  EXPECT_FALSE(answer.answered);
  EXPECT_EQ(answer.text, "did not end within 50 ms");
}

} // namespace
} // namespace projector::test
