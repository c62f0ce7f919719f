#include "pg/projection/projection_test.hpp"

#include <future>

namespace projector::projection {
namespace {

class MadeAtOnce : public TransactionTest, public ::testing::WithParamInterface<const char*> {};

/// Two projections whose setups create the same object: the second one waits for the first, and then fails on a unique
/// index of the catalogue.
TEST_P(MadeAtOnce, IsTriedAgainAndThenThere) {
  pg::Connection other(options(), base::no_stop());
  other.script(std::string("BEGIN; ") + GetParam());
  const auto set_up = [&] {
    transaction_.begin(std::nullopt);
    exec(transaction_, GetParam());
    return transaction_.commit();
  };
  auto second = std::async(std::launch::async, set_up);
  wait_for_lock_wait();
  other.script("COMMIT");
  ASSERT_FALSE(second.get());
  EXPECT_EQ(transaction_.failure()->sqlstate, "23505") << transaction_.failure()->text;
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::RetryCounted) << transaction_.failure()->text;
  EXPECT_TRUE(set_up()) << transaction_.failure()->text;
}

INSTANTIATE_TEST_SUITE_P(Setup, MadeAtOnce,
                         ::testing::Values("CREATE TABLE IF NOT EXISTS both_make (id bigint PRIMARY KEY)",
                                           "CREATE SCHEMA IF NOT EXISTS both_make",
                                           "DO $$ BEGIN IF to_regtype('both_make') IS NULL THEN CREATE TYPE both_make "
                                           "AS ENUM ('a', 'b'); END IF; END $$",
                                           "CREATE OR REPLACE FUNCTION both_make() RETURNS int LANGUAGE sql RETURN 1"));

} // namespace
} // namespace projector::projection
