#include "pg/statement_cache.hpp"

#include <gtest/gtest.h>

namespace projector::pg {
namespace {

const std::vector<std::uint32_t> kNoTypes;

TEST(StatementCache, OnlyTheFirstUsePrepares) {
  StatementCache cache;
  const auto first = cache.use("s", "SELECT 1", kNoTypes);
  const auto second = cache.use("s", "SELECT 1", kNoTypes);
  EXPECT_TRUE(first.prepare);
  EXPECT_FALSE(second.prepare);
  EXPECT_EQ(first.statement, second.statement);
  EXPECT_EQ(first.statement->name, "projectord_1");
}

TEST(StatementCache, ScopeTextAndTypesTellStatementsApart) {
  StatementCache cache;
  EXPECT_TRUE(cache.use("s", "SELECT $1", {20}).prepare);
  EXPECT_TRUE(cache.use("t", "SELECT $1", {20}).prepare);
  EXPECT_TRUE(cache.use("s", "SELECT  $1", {20}).prepare);
  EXPECT_TRUE(cache.use("s", "SELECT $1", {25}).prepare);
  EXPECT_FALSE(cache.use("s", "SELECT $1", {20}).prepare);
  EXPECT_EQ(cache.size(), 4u);
}

TEST(StatementCache, TheTextIsCopied) {
  StatementCache cache;
  std::string text = "SELECT 1";
  cache.use("", text, kNoTypes);
  text = "SELECT 2";
  EXPECT_TRUE(cache.use("", text, kNoTypes).prepare);
  EXPECT_FALSE(cache.use("", "SELECT 1", kNoTypes).prepare);
}

TEST(StatementCache, ForgettingPreparesAnewUnderAnotherName) {
  StatementCache cache;
  cache.forget(*cache.use("", "SELECT 1", kNoTypes).statement);
  const auto again = cache.use("", "SELECT 1", kNoTypes);
  EXPECT_TRUE(again.prepare);
  EXPECT_EQ(again.statement->name, "projectord_2");
  EXPECT_TRUE(cache.take_retired().empty());
}

TEST(StatementCache, TrimmingRetiresWhatWasUsedLongestAgo) {
  StatementCache cache(2);
  cache.use("", "a", kNoTypes);
  cache.use("", "b", kNoTypes);
  cache.use("", "a", kNoTypes);
  cache.use("", "c", kNoTypes);
  EXPECT_EQ(cache.size(), 3u);
  cache.trim();
  EXPECT_EQ(cache.take_retired(), std::vector<std::string>{"projectord_2"});
  EXPECT_TRUE(cache.take_retired().empty());
  EXPECT_FALSE(cache.use("", "a", kNoTypes).prepare);
  EXPECT_FALSE(cache.use("", "c", kNoTypes).prepare);
  EXPECT_TRUE(cache.use("", "b", kNoTypes).prepare);
}

} // namespace
} // namespace projector::pg
