#include "pg/projection/projection_test.hpp"

#include "projection/clean_session.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

/// A database whose settings an operator changes and restores. The pool has sessions that connected before and between.
class SessionLoss : public TransactionTest {
protected:
  /// Changes a setting for sessions that connect from now on.
  void alter_database(const std::string& change) {
    run(fmt::format("DO $do$ BEGIN EXECUTE format('ALTER DATABASE %I {}', current_database()); END $do$", change));
  }
  /// Runs a batch with one row, and returns whether it was committed.
  bool batch(std::int64_t position) {
    transaction_.begin(move(position - 1, position));
    exec(transaction_, fmt::format("INSERT INTO seen VALUES ({})", position));
    return transaction_.commit();
  }
  /// Opens this many sessions of other projections at once; all are idle afterwards.
  void fill_pool(int sessions) {
    std::vector<pg::Pool::Lease> leases;
    for (int session = 0; session < sessions; ++session) {
      leases.push_back(pool_.borrow("other " + std::to_string(session), stop_, base::Duration::zero()));
    }
  }
};

TEST_F(SessionLoss, OneFromWhenTheDatabaseWasReadOnlyIsReplacedWithAllThatAreIdle) {
  alter_database("SET default_transaction_read_only = on");
  fill_pool(3);
  EXPECT_FALSE(batch(1));
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::RetryForever);
  alter_database("RESET default_transaction_read_only");
  transaction_.rollback();
  EXPECT_EQ(pool_.snapshot().open, 0u) << "the sessions of that time are closed";
  EXPECT_TRUE(batch(1)) << transaction_.failure()->text;
}

TEST_F(SessionLoss, OneThatCannotOpenACheckpointIsReplaced) {
  alter_database("SET default_transaction_read_only = on");
  const auto open_again = [&] {
    auto lease = borrow_clean_session(pool_, "revenue", stop_, base::Duration::zero());
    auto asked = request({"another", 0, 1});
    return open_checkpoint(lease.connection(), tables_, asked).checkpoint.has_value();
  };
  EXPECT_THROW(open_again(), pg::Error);
  alter_database("RESET default_transaction_read_only");
  EXPECT_TRUE(open_again());
}

TEST_F(SessionLoss, OneWithATimeoutThatIsNotSetAnyMoreIsReplaced) {
  alter_database("SET statement_timeout = 200");
  fill_pool(3);
  const auto slow = [&] {
    transaction_.begin(move(0, 1));
    exec(transaction_, "SELECT pg_sleep(0.4)");
    return transaction_.commit();
  };
  EXPECT_FALSE(slow());
  alter_database("RESET statement_timeout");
  EXPECT_TRUE(slow()) << transaction_.failure()->text;
}

TEST_F(SessionLoss, WhatAPluginLeftInItsOwnSessionEndsWithTheFirstFailure) {
  run("CREATE FUNCTION hidden(sql text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; END $$; "
      "DROP ROLE IF EXISTS powerless; CREATE ROLE powerless; GRANT powerless TO CURRENT_USER");
  std::int64_t position = 0;
  for (const char* left :
       {"SET ROLE powerless", "SET default_transaction_read_only = on", "CREATE TEMP TABLE seen (x date)"}) {
    transaction_.begin(move(position, position + 1));
    exec(transaction_, fmt::format("SELECT hidden('{}')", left));
    ASSERT_TRUE(transaction_.commit()) << transaction_.failure()->text;
    ++position;
    EXPECT_FALSE(batch(position + 1)) << left;
    EXPECT_TRUE(batch(position + 1)) << left << ": " << transaction_.failure()->text;
    ++position;
  }
}

TEST_F(SessionLoss, OneThatWasEndedIsReplaced) {
  ASSERT_TRUE(batch(1));
  fill_pool(3);
  run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
      "pg_backend_pid()");
  EXPECT_TRUE(batch(2)) << transaction_.failure()->text;
}

TEST_F(SessionLoss, WhatTheDataIsTheCauseOfClosesNothing) {
  ASSERT_TRUE(batch(1));
  fill_pool(3);
  const auto open = pool_.snapshot().open;
  transaction_.begin(move(1, 2));
  exec(transaction_, "INSERT INTO seen VALUES (1)");
  EXPECT_FALSE(transaction_.commit());
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::Reject);
  transaction_.rollback();
  EXPECT_EQ(pool_.snapshot().open, open);
}

TEST_F(SessionLoss, AProjectionsOwnErrorLeavesTheSessionsOfOthersOpen) {
  fill_pool(3);
  transaction_.begin(move(0, 1));
  exec(transaction_, "SELECT nothing_there");
  EXPECT_FALSE(transaction_.commit());
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::Fail);
  transaction_.rollback();
  EXPECT_EQ(pool_.snapshot().open, 2u);
}

} // namespace
} // namespace projector::projection
