#include "pg/pg/database_test.hpp"
#include "pg/pipeline.hpp"

#include <thread>

namespace projector::pg {
namespace {

const Send kOnce;
const Send kKeep{.prepare = Send::Prepare::Keep, .scope = {}};

class PipelineTest : public DatabaseTest {
protected:
  /// Ends the flight and stores the results as "tag:value" (or "tag:" without rows).
  std::optional<Pipeline::Failure> sync(Pipeline& pipeline) {
    answers_.clear();
    return pipeline.sync([this](std::size_t tag, Result&& result) {
      answers_.push_back(std::to_string(tag) + ":" + (result.rows() > 0 ? std::string(result.bytes(0, 0)) : ""));
    });
  }
  std::string prepared_count() {
    return value(connection_, "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'projectord_%'");
  }

  base::Stop stop_;
  Connection connection_{options(), stop_};
  std::vector<std::string> answers_;
};

using Answers = std::vector<std::string>;

TEST_F(PipelineTest, ResultsComeInOrderWithTheirTags) {
  {
    Pipeline pipeline(connection_);
    pipeline.send("CREATE TABLE t (a int)", {}, kOnce, 7);
    pipeline.send("INSERT INTO t VALUES ($1), ($2)", Parameters().int4(1).int4(2), kOnce, 3);
    pipeline.send("SELECT sum(a) FROM t", {}, kKeep, 9);
    EXPECT_FALSE(sync(pipeline));
    EXPECT_EQ(answers_, (Answers{"7:", "3:", "9:3"}));
    pipeline.send("SELECT $1", Parameters().text("next flight"), kOnce, 1);
    EXPECT_FALSE(sync(pipeline));
    EXPECT_EQ(answers_, Answers{"1:next flight"});
    EXPECT_FALSE(sync(pipeline));
    EXPECT_TRUE(answers_.empty());
  }
  EXPECT_TRUE(connection_.at_rest());
  EXPECT_EQ(value(connection_, "SELECT count(*) FROM t"), "2");
}

TEST_F(PipelineTest, AFailureInTheMiddleEndsTheFlightAndNotTheSession) {
  connection_.exec("CREATE TABLE t (a int PRIMARY KEY)");
  Pipeline pipeline(connection_);
  pipeline.send("BEGIN", {}, kOnce, 0);
  for (const int key : {1, 2, 1, 3}) {
    pipeline.send("INSERT INTO t VALUES ($1)", Parameters().int4(key), kKeep, 1 + answers_.size());
    answers_.emplace_back();
  }
  pipeline.send("SELECT 'not reached'", {}, kKeep, 5);
  const auto failure = sync(pipeline);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->tag, 3u);
  EXPECT_EQ(failure->error.kind(), Error::Kind::Statement);
  EXPECT_EQ(failure->error.sqlstate(), "23505");
  EXPECT_EQ(answers_, (Answers{"0:", "1:", "2:"}));
  pipeline.send("ROLLBACK", {}, kOnce, 0);
  pipeline.send("SELECT count(*) FROM t", {}, kOnce, 1);
  pipeline.send("SELECT 'not reached'", {}, kKeep, 2);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{"0:", "1:0", "2:not reached"}));
}

TEST_F(PipelineTest, AFailureOfTheImplicitCommitIsTold) {
  connection_.script("CREATE TABLE t (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
  Pipeline pipeline(connection_);
  pipeline.send("INSERT INTO t VALUES (1)", {}, kOnce, 4);
  pipeline.send("INSERT INTO t VALUES (1)", {}, kOnce, 5);
  const auto failure = sync(pipeline);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->tag, 5u);
  EXPECT_EQ(failure->error.sqlstate(), "23505");
  pipeline.send("SELECT count(*) FROM t", {}, kOnce, 1);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, Answers{"1:0"});
}

TEST_F(PipelineTest, SingleRowsEndWithAResultOfNone) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT 'before'", {}, kOnce, 1);
  pipeline.send("SELECT generate_series(1, 3)", {}, {.single_row = true, .scope = {}}, 2);
  pipeline.send("SELECT 'after' UNION ALL SELECT 'all'", {}, kOnce, 3);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{"1:before", "2:1", "2:2", "2:3", "2:", "3:after"}));
}

TEST_F(PipelineTest, BinaryResultsWhereAskedFor) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT 1::int4", {}, {.prepare = Send::Prepare::Keep, .format = Format::Binary, .scope = {}}, 1);
  pipeline.send("SELECT 1::int4", {}, kKeep, 2);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{std::string("1:\0\0\0\1", 6), "2:1"}));
}

TEST_F(PipelineTest, BothDirectionsFullDoNotDeadlock) {
  constexpr std::size_t kStatements = 5000;
  const std::string filler(2000, 'x');
  std::size_t next = 0;
  Pipeline pipeline(connection_);
  for (std::size_t i = 0; i < kStatements; ++i) {
    pipeline.send("SELECT $1 || $2", Parameters().text(filler, 25).text(std::to_string(i), 25), kKeep, i);
  }
  EXPECT_FALSE(pipeline.sync([&](std::size_t tag, Result&& result) {
    EXPECT_EQ(tag, next++);
    EXPECT_EQ(result.bytes(0, 0), filler + std::to_string(tag));
  }));
  EXPECT_EQ(next, kStatements);
}

/// A sender that waits for answers, when all it could not send at first has gone out meanwhile, waits for ever: the
/// server keeps small answers back until the Sync. Many flights, since the two meet at another place in each.
TEST_F(PipelineTest, OutputThatDrainsWhileItIsLookedAtDoesNotDeadlock) {
  const std::string filler(4000, 'x');
  Pipeline pipeline(connection_);
  for (int flight = 0; flight < 40; ++flight) {
    for (std::size_t i = 0; i < 250; ++i) {
      pipeline.send("SELECT length($1)", Parameters().text(filler, 25), kKeep, i);
    }
    EXPECT_FALSE(sync(pipeline));
    ASSERT_EQ(answers_.size(), 250u);
    EXPECT_EQ(answers_.back(), "249:4000");
  }
}

TEST_F(PipelineTest, KeptStatementsArePreparedOnce) {
  {
    Pipeline pipeline(connection_);
    for (std::size_t i = 0; i < 10; ++i) {
      pipeline.send("SELECT $1 + 1", Parameters().int8(static_cast<std::int64_t>(i)), kKeep, i);
      pipeline.send("SELECT $1 + 2", Parameters().int8(static_cast<std::int64_t>(i)), kKeep, i);
    }
    EXPECT_FALSE(sync(pipeline));
    EXPECT_EQ(answers_.size(), 20u);
    EXPECT_EQ(answers_.back(), "9:11");
  }
  EXPECT_EQ(prepared_count(), "2");
  {
    Pipeline pipeline(connection_);
    pipeline.send("SELECT $1 + 1", Parameters().int8(1), kKeep, 0);
    pipeline.send("SELECT 'once'", {}, kOnce, 0);
    EXPECT_FALSE(sync(pipeline));
  }
  EXPECT_EQ(prepared_count(), "2");
}

TEST_F(PipelineTest, AnotherTypeOfAParameterIsAnotherStatement) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT pg_typeof($1)", Parameters().int8(1), kKeep, 0);
  pipeline.send("SELECT pg_typeof($1)", Parameters().boolean(true), kKeep, 1);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{"0:bigint", "1:boolean"}));
}

TEST_F(PipelineTest, AnotherScopeIsAnotherStatement) {
  connection_.script(
      "CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.t AS SELECT 1; CREATE TABLE two.t AS SELECT 2");
  Pipeline pipeline(connection_);
  for (const std::string scope : {"one", "two", "one"}) {
    pipeline.send("SET search_path = " + scope, {}, kOnce, 0);
    pipeline.send("SELECT * FROM t", {}, {.prepare = Send::Prepare::Keep, .scope = scope}, 1);
  }
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{"0:", "1:1", "0:", "1:2", "0:", "1:1"}));
}

TEST_F(PipelineTest, AStatementThatWasNotPreparedDoesNotCount) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT 'good'", {}, kKeep, 1);
  pipeline.send("SELECT * FROM later", {}, kKeep, 2);
  pipeline.send("SELECT * FROM later", {}, kKeep, 3);
  pipeline.send("SELECT 'behind'", {}, kKeep, 4);
  const auto failure = sync(pipeline);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->tag, 2u);
  EXPECT_EQ(failure->error.sqlstate(), "42P01");
  EXPECT_EQ(answers_, Answers{"1:good"});
  observer_.exec("CREATE TABLE later AS SELECT 'made'");
  pipeline.send("SELECT 'good'", {}, kKeep, 1);
  pipeline.send("SELECT * FROM later", {}, kKeep, 2);
  pipeline.send("SELECT 'behind'", {}, kKeep, 4);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{"1:good", "2:made", "4:behind"}));
}

TEST_F(PipelineTest, NoMoreStatementsArePreparedThanTheBound) {
  {
    Pipeline pipeline(connection_);
    for (std::size_t i = 0; i < 300; ++i) {
      pipeline.send("SELECT " + std::to_string(i), {}, kKeep, i);
    }
    EXPECT_FALSE(sync(pipeline));
    pipeline.send("BEGIN ISOLATION LEVEL SERIALIZABLE", {}, kOnce, 0);
    pipeline.send("SELECT 299", {}, kKeep, 1);
    pipeline.send("COMMIT", {}, kOnce, 2);
    EXPECT_FALSE(sync(pipeline));
    EXPECT_EQ(answers_, (Answers{"0:", "1:299", "2:"}));
  }
  EXPECT_EQ(prepared_count(), "256");
  EXPECT_EQ(
      value(connection_, "SELECT count(*) FROM pg_prepared_statements WHERE statement IN ('SELECT 43', 'SELECT 44')"),
      "1");
}

TEST_F(PipelineTest, DeallocationWaitsForTheEndOfATransaction) {
  Pipeline pipeline(connection_);
  pipeline.send("BEGIN", {}, kOnce, 0);
  for (std::size_t i = 0; i < 257; ++i) {
    pipeline.send("SELECT " + std::to_string(i), {}, kKeep, i);
  }
  EXPECT_FALSE(sync(pipeline));
  const std::string count = "SELECT count(*) FROM pg_prepared_statements";
  pipeline.send(count, {}, kOnce, 1);
  pipeline.send("COMMIT", {}, kOnce, 2);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{"1:257", "2:"}));
  pipeline.send(count, {}, kOnce, 1);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, Answers{"1:256"});
}

TEST_F(PipelineTest, AChangedResultTypePreparesAnewOnTheNextTry) {
  connection_.exec("CREATE TABLE t AS SELECT 1 AS a");
  {
    Pipeline pipeline(connection_);
    pipeline.send("SELECT * FROM t", {}, kKeep, 1);
    EXPECT_FALSE(sync(pipeline));
    observer_.exec("ALTER TABLE t ALTER a TYPE text USING 'changed'");
    pipeline.send("SELECT * FROM t", {}, kKeep, 1);
    const auto failure = sync(pipeline);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->error.sqlstate(), "0A000");
    EXPECT_STREQ(failure->error.what(), "cached plan must not change result type");
    pipeline.send("SELECT * FROM t", {}, kKeep, 1);
    EXPECT_FALSE(sync(pipeline));
    EXPECT_EQ(answers_, Answers{"1:changed"});
  }
  EXPECT_EQ(prepared_count(), "1");
}

TEST_F(PipelineTest, AStatementLostOnTheServerIsPreparedAnewOnTheNextTry) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT 'here'", {}, kKeep, 1);
  pipeline.send("DEALLOCATE ALL", {}, kOnce, 2);
  EXPECT_FALSE(sync(pipeline));
  pipeline.send("SELECT 'here'", {}, kKeep, 1);
  const auto failure = sync(pipeline);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->error.sqlstate(), "26000");
  pipeline.send("SELECT 'here'", {}, kKeep, 1);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, Answers{"1:here"});
}

TEST_F(PipelineTest, CopyClosesTheSession) {
  for (const char* copy : {"COPY (SELECT 1) TO STDOUT", "COPY pg_class FROM STDIN"}) {
    Connection connection(options(), stop_);
    Pipeline pipeline(connection);
    pipeline.send("SELECT 1", {}, kOnce, 1);
    pipeline.send(copy, {}, kOnce, 2);
    pipeline.send("SELECT 2", {}, kOnce, 3);
    const auto error = error_of([&] { (void)sync(pipeline); });
    EXPECT_TRUE(error.connection_lost());
    EXPECT_EQ(error.sqlstate(), "0A000");
    EXPECT_FALSE(connection.usable());
  }
}

TEST_F(PipelineTest, ALostSessionIsToldWithItsState) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT 'first'", {}, kOnce, 1);
  pipeline.send("SELECT pg_terminate_backend(pg_backend_pid())", {}, kOnce, 2);
  pipeline.send("SELECT 'third'", {}, kOnce, 3);
  const auto error = error_of([&] { (void)sync(pipeline); });
  EXPECT_TRUE(error.connection_lost());
  EXPECT_EQ(error.sqlstate(), "57P01");
  EXPECT_EQ(answers_, Answers{"1:first"});
  EXPECT_FALSE(connection_.usable());
  EXPECT_TRUE(error_of([&] { pipeline.send("SELECT 1", {}, kOnce, 1); }).connection_lost());
}

TEST_F(PipelineTest, AStopEndsTheWaitForAnswers) {
  const int pid = connection_.backend_pid();
  std::thread thread([&] {
    Pipeline pipeline(connection_);
    pipeline.send("SELECT pg_sleep(3600)", {}, kOnce, 1);
    EXPECT_THROW((void)sync(pipeline), Interrupted);
  });
  EXPECT_TRUE(test::eventually([&] { return session_is(pid, "wait_event = 'PgSleep'"); }));
  stop_.request();
  thread.join();
  EXPECT_FALSE(connection_.usable());
  EXPECT_TRUE(test::eventually([&] { return !session_is(pid, "true"); }));
}

TEST_F(PipelineTest, WhatOnResultThrowsClosesTheSession) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT 1", {}, kOnce, 1);
  pipeline.send("SELECT 2", {}, kOnce, 2);
  EXPECT_THROW((void)pipeline.sync([](std::size_t, Result&&) { throw std::out_of_range("enough"); }),
               std::out_of_range);
  EXPECT_FALSE(connection_.usable());
}

TEST_F(PipelineTest, AnswersLeftOutstandingCloseTheSession) {
  {
    Pipeline pipeline(connection_);
    pipeline.send("SELECT 1", {}, kOnce, 1);
  }
  EXPECT_FALSE(connection_.usable());
}

TEST_F(PipelineTest, WhatIsRefusedBeforeItIsSentSpoilsNothing) {
  Pipeline pipeline(connection_);
  pipeline.send("SELECT 1", {}, kOnce, 1);
  EXPECT_THROW(pipeline.send(std::string_view("SELECT\0 2", 9), {}, kOnce, 2), std::invalid_argument);
  pipeline.send("SELECT 3", {}, kOnce, 3);
  EXPECT_FALSE(sync(pipeline));
  EXPECT_EQ(answers_, (Answers{"1:1", "3:3"}));
}

} // namespace
} // namespace projector::pg
