#include "pg/transaction.hpp"

#include "pg/pg/database_test.hpp"
#include "support/pgbouncer.hpp"

namespace projector::pg {
namespace {

class TransactionTest : public DatabaseTest {
protected:
  void SetUp() override { observer_.exec("CREATE TABLE t (a int PRIMARY KEY)"); }
  std::string rows() { return look("SELECT count(*) FROM t"); }

  Connection connection_{options(), base::no_stop()};
};

TEST_F(TransactionTest, IsCommittedOrRolledBack) {
  {
    Transaction transaction(connection_);
    connection_.exec("INSERT INTO t VALUES (1)");
    EXPECT_EQ(rows(), "0");
    transaction.commit();
  }
  EXPECT_EQ(rows(), "1");
  {
    const Transaction transaction(connection_);
    connection_.exec("INSERT INTO t VALUES (2)");
  }
  EXPECT_EQ(rows(), "1");
  EXPECT_TRUE(connection_.at_rest());
}

TEST_F(TransactionTest, IsRolledBackWhereAStatementFails) {
  const auto failing = [&] {
    Transaction transaction(connection_);
    connection_.exec("INSERT INTO t VALUES (1)");
    connection_.exec("INSERT INTO t VALUES (1)");
    transaction.commit();
  };
  EXPECT_EQ(error_of(failing).sqlstate(), "23505");
  EXPECT_TRUE(connection_.reusable());
  EXPECT_EQ(rows(), "0");
}

TEST_F(TransactionTest, ACommitThatTheServerTurnedIntoARollbackIsAnError) {
  Transaction transaction(connection_);
  error_of([&] { connection_.exec("SELECT 1 / 0"); });
  EXPECT_EQ(error_of([&] { transaction.commit(); }).sqlstate(), "25P02");
  EXPECT_TRUE(connection_.at_rest());
}

TEST_F(TransactionTest, WhatItBeginsWithHoldsForItAlone) {
  {
    const Transaction transaction(connection_, "BEGIN READ ONLY; SET LOCAL lock_timeout = '7s'");
    EXPECT_EQ(value(connection_, "SHOW lock_timeout"), "7s");
    EXPECT_EQ(error_of([&] { connection_.exec("INSERT INTO t VALUES (1)"); }).sqlstate(), "25006");
  }
  EXPECT_EQ(value(connection_, "SHOW lock_timeout"), "0");
  const auto refused = [&] { const Transaction transaction(connection_, "BEGIN; SET LOCAL lock_timeout = 'soon'"); };
  EXPECT_EQ(error_of(refused).sqlstate(), "22023");
  EXPECT_TRUE(connection_.at_rest());
}

TEST_F(TransactionTest, ALostSessionEndsItWithoutAWord) {
  {
    const Transaction transaction(connection_);
    terminate(connection_.backend_pid());
  }
  EXPECT_FALSE(connection_.usable());
}

TEST_F(TransactionTest, AConnectionKnowsWhetherItsSessionIsItsOwn) {
  EXPECT_TRUE(connection_.own_session());
  const test::PgBouncer pooler(test::PrivatePostgres::shared());
  auto pooled = options();
  pooled.dsn = pooler.dsn_for(dsn_);
  pooled.settings = {{"lock_timeout", "7s"}};
  Connection lent(pooled, base::no_stop());
  EXPECT_FALSE(lent.own_session());
  EXPECT_EQ(value(lent, "SHOW lock_timeout"), "0");
}

TEST_F(TransactionTest, ADoubtfulSessionIsNotReusable) {
  EXPECT_TRUE(connection_.reusable());
  error_of([&] { connection_.exec("SELECT 1 / 0"); });
  EXPECT_TRUE(connection_.reusable());
  error_of([&] { connection_.exec("SELECT nothing"); });
  EXPECT_FALSE(connection_.reusable());
  EXPECT_EQ(connection_.doubt(), SessionDoubt::Session);
  EXPECT_TRUE(connection_.at_rest());
}

TEST_F(TransactionTest, AStreamThatEndsEarlyRaisesNoDoubt) {
  connection_.stream("SELECT generate_series(1, 100000000)", {}, Format::Text, [](const Result&) { return false; });
  EXPECT_TRUE(connection_.reusable());
}

} // namespace
} // namespace projector::pg
