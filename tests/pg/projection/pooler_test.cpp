#include "pg/projection/projection_test.hpp"
#include "support/pgbouncer.hpp"

#include <fmt/format.h>

namespace projector::projection {
namespace {

/// Runs batches on sessions that a pooler in transaction mode lends.
class PooledTransaction : public TransactionTest {
protected:
  [[nodiscard]] pg::ConnectOptions pooled() const {
    return {.dsn = pooler_.dsn_for(dsn_), .application_name = "projectord projection", .settings = {}};
  }

  test::PgBouncer pooler_{test::PrivatePostgres::shared()};
  pg::Pool pooled_pool_{{.connect = pooled(), .size = 4, .most = 8}};
  BatchTransaction pooled_{pooled_pool_, tables_, transaction_options(), stop_};
};

TEST_F(PooledTransaction, AnOldConnectionProvesNothingAndTheStoreIsAlwaysAsked) {
  { const auto connected = pooled_pool_.borrow("revenue", stop_, base::Duration::zero()); }
  auto to = move(0, 10);
  int asked = 0;
  bool begun = false;
  to.confirm = [&] {
    ++asked;
    // Only after BEGIN does a crash of the server end the transaction.
    begun = look("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in "
                 "transaction'") == "1";
    return asked > 1;
  };
  pooled_.begin(to);
  exec(pooled_, "INSERT INTO seen VALUES (10)");
  EXPECT_FALSE(pooled_.commit());
  EXPECT_EQ(pooled_.failure()->kind, BatchTransaction::Failure::Kind::StoreLost);
  EXPECT_TRUE(begun);
  pooled_.begin(to);
  exec(pooled_, "INSERT INTO seen VALUES (10)");
  EXPECT_TRUE(pooled_.commit()) << pooled_.failure()->text;
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(seen(), "10");
}

TEST_F(PooledTransaction, NothingIsPreparedOrSetInASessionOfTheServer) {
  for (std::int64_t position = 0; position < 3; ++position) {
    pooled_.begin(move(position, position + 1));
    exec(pooled_, "INSERT INTO seen VALUES ($1)", {text_value(std::to_string(position), 20)});
    ASSERT_TRUE(pooled_.commit()) << pooled_.failure()->text;
  }
  pg::Connection application(pooled(), base::no_stop());
  EXPECT_EQ(std::string(application.exec("SELECT count(*) FROM pg_prepared_statements").bytes(0, 0)), "0");
  EXPECT_EQ(application
                .exec("SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN "
                      "('client_encoding', 'application_name')")
                .rows(),
            0u);
}

TEST_F(PooledTransaction, WhatAnotherProgramHoldsIsNotReset) {
  pg::Connection application(pooled(), base::no_stop());
  application.exec("SELECT pg_advisory_lock(4711)");
  for (const char* projection : {"one", "two"}) {
    auto options = transaction_options(projection);
    BatchTransaction transaction(pooled_pool_, tables_, options, stop_);
    transaction.begin(std::nullopt);
    exec(transaction, "SELECT 1");
    ASSERT_TRUE(transaction.commit()) << transaction.failure()->text;
  }
  EXPECT_EQ(look("SELECT pg_try_advisory_lock(4711)"), "f");
}

} // namespace
} // namespace projector::projection
