#include "pg/projection/projection_test.hpp"

#include "pg/quote.hpp"
#include "projection/clean_session.hpp"

#include <thread>

namespace projector::projection {
namespace {

/// One session that two projections use in turn, and a function that runs statements which the lexer would
/// refuse.
class SessionTest : public TransactionTest {
protected:
  void SetUp() override {
    TransactionTest::SetUp();
    run("CREATE FUNCTION hidden(sql text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; END $$; "
        "CREATE TABLE things (x int); INSERT INTO things VALUES (1)");
    ASSERT_TRUE(open(request(other_key_)).checkpoint);
  }
  /// Runs and commits a statement of the first projection that changes the session.
  void leave(const std::string& sql) {
    first_.begin(move(position_, position_ + 1));
    const auto quoted = pg::quote_literal(sql);
    exec(first_, "SELECT hidden(" + quoted + ")", {}, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE);
    pid_ = query(first_, "SELECT pg_backend_pid()");
    ASSERT_TRUE(first_.commit());
    ++position_;
  }
  /// The first cell of a query of the second projection, in the same session.
  std::string find(const std::string& sql) {
    second_.begin(move(other_position_, other_position_ + 1));
    EXPECT_EQ(query(second_, "SELECT pg_backend_pid()"), pid_) << "the same session";
    auto cell = query(second_, sql);
    EXPECT_TRUE(second_.commit());
    ++other_position_;
    return cell;
  }
  [[nodiscard]] TransactionOptions other_options() const {
    auto options = transaction_options("other");
    options.key = other_key_;
    return options;
  }

  const CheckpointKey other_key_{"other", 0, 1};
  pg::Pool one_{{.connect = options(), .size = 1, .most = 1}};
  BatchTransaction first_{one_, tables_, transaction_options(), stop_};
  BatchTransaction second_{one_, tables_, other_options(), stop_};
  std::int64_t position_ = 0;
  std::int64_t other_position_ = 0;
  std::string pid_;
};

TEST_F(SessionTest, ATemporaryTableDoesNotSwallowAnothersRows) {
  leave("CREATE TEMP TABLE things AS SELECT 2 AS x");
  EXPECT_EQ(find("INSERT INTO things VALUES (3) RETURNING (SELECT count(*) FROM things)"), "1");
  EXPECT_EQ(table("SELECT x FROM things ORDER BY x"), "1 3");
}

TEST_F(SessionTest, SettingsAreReset) {
  leave("SET work_mem = '77MB'; SET statement_timeout = '123s'; SET app.secret = 'x'; SET row_security = off");
  EXPECT_NE(find("SHOW work_mem"), "77MB");
  EXPECT_EQ(find("SHOW statement_timeout"), "0");
  EXPECT_EQ(find("SHOW row_security"), "on");
  EXPECT_EQ(find("SELECT coalesce(current_setting('app.secret', true), '')"), "");
}

TEST_F(SessionTest, AReadOnlyDefaultDoesNotStopTheNextOne) {
  leave("SET default_transaction_read_only = on");
  EXPECT_EQ(find("SHOW default_transaction_read_only"), "off");
}

TEST_F(SessionTest, TheRoleIsReset) {
  run("DROP ROLE IF EXISTS weak; CREATE ROLE weak; GRANT weak TO CURRENT_USER");
  const auto user = look("SELECT current_user");
  leave("SET ROLE weak");
  EXPECT_EQ(find("SELECT current_user"), user);
  leave("SET SESSION AUTHORIZATION weak");
  EXPECT_EQ(find("SELECT current_user || '/' || session_user"), user + "/" + user);
}

TEST_F(SessionTest, AdvisoryLocksAreReleased) {
  leave("SELECT pg_advisory_lock(42)");
  EXPECT_EQ(look("SELECT pg_try_advisory_lock(42)"), "f") << "it is held";
  find("SELECT 1");
  EXPECT_EQ(look("SELECT pg_try_advisory_lock(42)"), "t");
}

TEST_F(SessionTest, ListenEnds) {
  leave("LISTEN news");
  EXPECT_EQ(find("SELECT count(*) FROM pg_listening_channels()"), "0");
}

TEST_F(SessionTest, CursorsEnd) {
  leave("DECLARE held CURSOR WITH HOLD FOR SELECT 1");
  const auto count = "SELECT count(*) FROM pg_cursors WHERE name = 'held'";
  first_.begin(move(position_, position_ + 1));
  EXPECT_EQ(query(first_, count), "1") << "it is there";
  EXPECT_TRUE(first_.commit());
  EXPECT_EQ(find(count), "0");
}

TEST_F(SessionTest, SequenceStateIsForgotten) {
  run("CREATE SEQUENCE numbers");
  leave("SELECT nextval('numbers')");
  second_.begin(move(0, 1));
  exec(second_, "SELECT lastval()", {}, 2);
  EXPECT_FALSE(second_.commit());
  EXPECT_NE(second_.failure()->text.find("lastval is not yet defined in this session"), std::string::npos)
      << second_.failure()->text;
}

TEST_F(SessionTest, TheHostsSettingsSurviveAReset) {
  leave("SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SET bytea_output = 'escape'; SET IntervalStyle = "
        "'iso_8601'; SET extra_float_digits = 0; SET search_path = nowhere; SET synchronous_commit = remote_apply; SET "
        "lock_timeout = 1");
  EXPECT_EQ(find("SELECT concat_ws('; ', current_setting('TimeZone'), current_setting('DateStyle'), "
                 "current_setting('bytea_output'), current_setting('IntervalStyle'), "
                 "current_setting('extra_float_digits'), current_setting('search_path'), "
                 "current_setting('synchronous_commit'), current_setting('lock_timeout'), "
                 "current_setting('client_encoding'))"),
            "UTC; ISO, YMD; hex; postgres; 1; \"$user\", public; off; 30s; UTF8");
}

TEST_F(SessionTest, TheHostsSettingsHoldForTheOneThatChangedThem) {
  leave("SET TimeZone = 'Asia/Tokyo'; SET search_path = nowhere; SET standard_conforming_strings = off");
  first_.begin(move(position_, position_ + 1));
  EXPECT_EQ(query(first_, "SELECT concat_ws('; ', current_setting('TimeZone'), current_setting('search_path'), "
                          "current_setting('standard_conforming_strings'))"),
            "UTC; \"$user\", public; on");
  EXPECT_TRUE(first_.commit());
}

TEST_F(SessionTest, WhatIsPreparedSurvivesAReset) {
  leave("SELECT 1");
  find("SELECT 40 + 2");
  const auto before = std::stoi(find("SELECT count(*) FROM pg_prepared_statements"));
  leave("SELECT 1");
  EXPECT_EQ(std::stoi(find("SELECT count(*) FROM pg_prepared_statements")), before);
  EXPECT_GT(before, 0);
}

TEST_F(SessionTest, ACleanSessionIsResetOnceOnly) {
  leave("SET work_mem = '77MB'");
  {
    auto lease = borrow_clean_session(one_, "other", stop_, base::Duration::zero());
    EXPECT_NE(std::string(lease->exec("SHOW work_mem").bytes(0, 0)), "77MB");
    EXPECT_FALSE(lease.needs_reset());
    lease->exec("SET work_mem = '55MB'");
  }
  auto lease = borrow_clean_session(one_, "other", stop_, base::Duration::zero());
  EXPECT_EQ(std::string(lease->exec("SHOW work_mem").bytes(0, 0)), "55MB") << "its own last session is as it left it";
}

class PreparedTest : public TransactionTest {
protected:
  std::string prepared(BatchTransaction& transaction) {
    return query(transaction, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%seen%' AND statement "
                              "NOT LIKE '%pg_prepared_statements%'");
  }
};

TEST_F(PreparedTest, StatementsArePreparedOnceASession) {
  transaction_.begin(move(0, 30));
  for (const char* position : {"1", "2", "3"}) {
    exec(transaction_, "INSERT INTO seen VALUES ($1)", {text_value(position, 20)});
  }
  exec(transaction_, "DELETE FROM seen WHERE position = -1", {}, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE);
  EXPECT_EQ(prepared(transaction_), "1") << "not the one that is used once";
  const auto name =
      query(transaction_, "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO seen%'");
  EXPECT_TRUE(transaction_.commit());
  transaction_.begin(move(30, 40));
  exec(transaction_, "INSERT INTO seen VALUES ($1)", {text_value("4", 20)});
  EXPECT_EQ(prepared(transaction_), "1");
  EXPECT_EQ(query(transaction_, "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO seen%'"),
            name);
  EXPECT_TRUE(transaction_.commit());
}

TEST_F(PreparedTest, NoneWhereThatIsTurnedOff) {
  auto options = transaction_options();
  options.prepared_statements = false;
  BatchTransaction transaction(pool_, tables_, options, stop_);
  transaction.begin(move(0, 30));
  exec(transaction, "INSERT INTO seen VALUES ($1)", {text_value("1", 20)});
  exec(transaction, "INSERT INTO seen VALUES ($1)", {text_value("2", 20)});
  EXPECT_EQ(query(transaction, "SELECT count(*) FROM pg_prepared_statements"), "0");
  EXPECT_TRUE(transaction.commit());
  EXPECT_EQ(seen(), "1 2");
}

TEST_F(PreparedTest, AChangedResultTypeIsCuredByTryingAgain) {
  run("INSERT INTO seen VALUES (1)");
  const auto batch = [&](std::int64_t from) {
    transaction_.begin(move(from, from + 1));
    exec(transaction_, "SELECT * FROM seen");
    exec(transaction_, "SELECT * FROM seen WHERE position > 0");
    return transaction_.commit();
  };
  ASSERT_TRUE(batch(0));
  run("ALTER TABLE seen ADD note text");
  EXPECT_FALSE(batch(1));
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::RetryCounted);
  EXPECT_NE(transaction_.failure()->text.find("cached plan must not change result type"), std::string::npos);
  EXPECT_TRUE(batch(1)) << transaction_.failure()->text;
}

TEST_F(PreparedTest, StatementsOfTwoSchemasAreToldApart) {
  run("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t AS SELECT 'a' AS x; CREATE TABLE b.t AS SELECT 'b' AS x");
  pg::Pool one({.connect = options(), .size = 1, .most = 1});
  std::int64_t position = 0;
  for (int round = 0; round < 2; ++round) {
    for (const char* schema : {"a", "b"}) {
      auto options = transaction_options();
      options.schema = schema;
      BatchTransaction transaction(one, tables_, options, stop_);
      transaction.begin(move(position, position + 1));
      EXPECT_EQ(query(transaction, "SELECT x FROM t"), schema);
      ASSERT_TRUE(transaction.commit());
      ++position;
    }
  }
}

TEST_F(PreparedTest, StatementsLostTogetherAreCuredByOneRetry) {
  run("CREATE FUNCTION forget() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
  const auto batch = [&](std::int64_t from) {
    transaction_.begin(move(from, from + 1));
    exec(transaction_, "SELECT 1 FROM seen");
    exec(transaction_, "SELECT 2 FROM seen");
    exec(transaction_, "SELECT 3 FROM seen");
    return transaction_.commit();
  };
  ASSERT_TRUE(batch(0));
  transaction_.begin(move(1, 2));
  exec(transaction_, "SELECT forget()", {}, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE);
  ASSERT_TRUE(transaction_.commit());
  EXPECT_FALSE(batch(2));
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::RetryCounted) << transaction_.failure()->text;
  EXPECT_TRUE(batch(2)) << transaction_.failure()->text;
}

class SetupTest : public TransactionTest {};

TEST_F(SetupTest, RunsInATransactionOfItsOwnWithoutTheCheckpoint) {
  transaction_.begin(std::nullopt);
  exec(transaction_, "CREATE TABLE made (x int)");
  EXPECT_TRUE(transaction_.commit());
  EXPECT_EQ(look("SELECT count(*) FROM made"), "0");
  EXPECT_EQ(checkpoints(), "revenue|0");
}

TEST_F(SetupTest, MakesTheSchemaWhereItIsAbsent) {
  auto options = transaction_options();
  options.schema = "Read 'Model'\\";
  for (int round = 0; round < 2; ++round) {
    BatchTransaction transaction(pool_, tables_, options, stop_);
    transaction.begin(std::nullopt);
    exec(transaction, "CREATE TABLE IF NOT EXISTS made (x int)");
    EXPECT_TRUE(transaction.commit()) << transaction.failure()->text;
  }
  EXPECT_EQ(look("SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = 'made'"),
            "Read 'Model'\\");
}

TEST_F(SetupTest, ASchemaThatIsThereNeedsNoPrivilegeToMakeOne) {
  run("DROP ROLE IF EXISTS tenant; CREATE ROLE tenant LOGIN; CREATE SCHEMA ready AUTHORIZATION tenant; " +
      read_model_schema("projection_checkpoints", "tenant"));
  auto connect = options();
  connect.dsn += " user=tenant";
  pg::Pool pool({.connect = connect, .size = 1, .most = 1});
  auto options = transaction_options();
  options.schema = "ready";
  BatchTransaction transaction(pool, tables_, options, stop_);
  transaction.begin(std::nullopt);
  exec(transaction, "CREATE TABLE made (x int)");
  EXPECT_TRUE(transaction.commit()) << transaction.failure()->text;
  EXPECT_EQ(look("SELECT 'ready.made'::regclass"), "ready.made");
}

TEST_F(SetupTest, TwoHostsSetUpOneProjectionOneAfterTheOther) {
  BatchTransaction second(pool_, tables_, transaction_options(), stop_);
  transaction_.begin(std::nullopt);
  exec(transaction_, "CREATE TABLE IF NOT EXISTS made (x int)");
  EXPECT_EQ(query(transaction_, "SELECT count(*) FROM made"), "0");
  second.begin(std::nullopt);
  exec(second, "CREATE TABLE IF NOT EXISTS made (x int)");
  auto committed = std::async(std::launch::async, [&] { return second.commit(); });
  wait_for_lock_wait();
  EXPECT_EQ(look("SELECT wait_event FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
                 "current_database()"),
            "advisory");
  EXPECT_TRUE(transaction_.commit());
  EXPECT_TRUE(committed.get()) << second.failure()->text;
}

TEST_F(SetupTest, ManySetupsOfOneProjectionAtOnceAllPass) {
  std::vector<std::future<std::string>> hosts;
  for (int host = 0; host < 4; ++host) {
    hosts.push_back(std::async(std::launch::async, [&] {
      BatchTransaction transaction(pool_, tables_, transaction_options(), stop_);
      for (int round = 0; round < 20; ++round) {
        transaction.begin(std::nullopt);
        exec(transaction, "CREATE TABLE IF NOT EXISTS made" + std::to_string(round) + " (x int PRIMARY KEY)");
        if (!transaction.commit()) {
          return transaction.failure()->text;
        }
      }
      return std::string();
    }));
  }
  for (auto& host : hosts) {
    EXPECT_EQ(host.get(), "");
  }
}

TEST_F(SetupTest, ProjectionsThatShareASchemaMayMakeItAtOnce) {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::future<std::string>> projections;
    for (int projection = 0; projection < 4; ++projection) {
      projections.push_back(std::async(std::launch::async, [&, projection] {
        auto options = transaction_options("p" + std::to_string(projection));
        options.key = {"p" + std::to_string(projection), 0, 1};
        options.schema = "shared" + std::to_string(round);
        BatchTransaction transaction(pool_, tables_, options, stop_);
        transaction.begin(std::nullopt);
        return transaction.commit() ? std::string() : transaction.failure()->text;
      }));
    }
    for (auto& projection : projections) {
      EXPECT_EQ(projection.get(), "");
    }
  }
}

} // namespace
} // namespace projector::projection
