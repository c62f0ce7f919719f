#include "pg/projection/projection_test.hpp"

#include <atomic>
#include <thread>

namespace projector::projection {
namespace {

using Kind = BatchTransaction::Failure::Kind;

class BatchTransactionTest : public TransactionTest {
protected:
  [[nodiscard]] std::uint32_t in_use() const { return pool_.snapshot().in_use; }
  plugin::Verdict add(std::int64_t position, std::uint32_t event_index = PROJECTOR_NO_EVENT) {
    const auto text = std::to_string(position);
    return exec(transaction_, "INSERT INTO seen VALUES ($1)", {text_value(text, 20)}, event_index);
  }
};

TEST_F(BatchTransactionTest, CommitsStatementsAndCheckpointTogether) {
  transaction_.begin(move(0, 30));
  EXPECT_FALSE(transaction_.used());
  EXPECT_EQ(add(10).status, PROJECTOR_OK);
  EXPECT_EQ(add(30).status, PROJECTOR_OK);
  EXPECT_TRUE(transaction_.used());
  EXPECT_EQ(seen(), "");
  EXPECT_TRUE(transaction_.commit());
  EXPECT_FALSE(transaction_.failure());
  EXPECT_EQ(seen(), "10 30");
  EXPECT_EQ(checkpoints(), "revenue|30");
  EXPECT_EQ(mirror(), "revenue|30");
  EXPECT_EQ(look("SELECT highest FROM projector_checkpoints"), "30");
  transaction_.begin(move(30, 40));
  EXPECT_FALSE(transaction_.used()) << "the batch before is forgotten";
  EXPECT_EQ(add(40).status, PROJECTOR_OK);
  EXPECT_TRUE(transaction_.commit());
  EXPECT_EQ(checkpoints(), "revenue|40");
}

TEST_F(BatchTransactionTest, RollsBackBoth) {
  transaction_.begin(move(0, 30));
  add(10);
  EXPECT_EQ(query(transaction_, "SELECT count(*) FROM seen"), "1");
  transaction_.rollback();
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(checkpoints(), "revenue|0");
  EXPECT_EQ(in_use(), 0u);
  EXPECT_EQ(pool_.snapshot().open, 1u) << "the session is of use afterwards";
}

TEST_F(BatchTransactionTest, AMoveWithoutAStatementCommitsToo) {
  transaction_.begin(move(0, 30));
  EXPECT_TRUE(transaction_.commit());
  EXPECT_EQ(checkpoints(), "revenue|30");
}

TEST_F(BatchTransactionTest, BorrowsLate) {
  transaction_.begin(move(0, 30));
  for (int position = 1; position <= 1000; ++position) {
    ASSERT_EQ(add(position).status, PROJECTOR_OK);
  }
  EXPECT_EQ(pool_.snapshot().open, 0u) << "queued in memory";
  EXPECT_EQ(query(transaction_, "SELECT count(*) FROM seen"), "1000");
  EXPECT_EQ(in_use(), 1u);
  EXPECT_TRUE(transaction_.commit());
  EXPECT_EQ(in_use(), 0u);
}

TEST_F(BatchTransactionTest, AFullQueueRuns) {
  transaction_.begin(move(0, 30));
  int position = 0;
  while (in_use() == 0 && position < 100000) {
    ASSERT_EQ(add(++position).status, PROJECTOR_OK);
  }
  EXPECT_EQ(position, 8192);
  EXPECT_EQ(look("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = "
                 "current_database()"),
            "1");
  for (int more = 0; more < 5000; ++more) {
    ASSERT_EQ(add(++position).status, PROJECTOR_OK);
  }
  EXPECT_TRUE(transaction_.commit());
  EXPECT_EQ(look("SELECT count(*) FROM seen"), std::to_string(position));
}

TEST_F(BatchTransactionTest, AQueueOfLargeParametersRunsEarlier) {
  transaction_.begin(move(0, 30));
  const std::string large(1u << 20, 'x');
  int statements = 0;
  while (in_use() == 0 && statements < 100) {
    ++statements;
    ASSERT_EQ(exec(transaction_, "SELECT length($1)", {text_value(large, 25)}).status, PROJECTOR_OK);
  }
  EXPECT_EQ(statements, 8);
}

TEST_F(BatchTransactionTest, AQueueOfLargeStatementsRunsEarlier) {
  transaction_.begin(move(0, 30));
  int statements = 0;
  while (in_use() == 0 && statements < 100) {
    const auto sql = "SELECT length('" + std::string(1u << 20, 'x') + std::to_string(++statements) + "')";
    ASSERT_EQ(exec(transaction_, sql, {}, PROJECTOR_NO_EVENT, PROJECTOR_SQL_ONCE).status, PROJECTOR_OK);
  }
  EXPECT_EQ(statements, 8);
  EXPECT_TRUE(transaction_.commit());
}

TEST_F(BatchTransactionTest, QueriesSeeWhatTheBatchWrote) {
  transaction_.begin(move(0, 30));
  add(7);
  std::unique_ptr<plugin::Rows> rows;
  ASSERT_EQ(transaction_.query(3, 0, "SELECT position, NULL::text, 'text' FROM seen", nullptr, 0, rows).status,
            PROJECTOR_OK);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->count(), 1u);
  EXPECT_EQ(rows->columns(), 3u);
  EXPECT_EQ(rows->affected(), 1);
  projector_value cell{};
  ASSERT_TRUE(rows->get(0, 0, cell));
  EXPECT_EQ(std::string(cell.data, cell.size), "7");
  EXPECT_EQ(cell.oid, 20u);
  EXPECT_EQ(cell.binary, 0);
  ASSERT_TRUE(rows->get(0, 1, cell));
  EXPECT_EQ(cell.data, nullptr);
  EXPECT_FALSE(rows->get(1, 0, cell));
  EXPECT_FALSE(rows->get(0, 3, cell));
}

TEST_F(BatchTransactionTest, BinaryResultsAndParameters) {
  transaction_.begin(move(0, 30));
  const std::string seven("\0\0\0\0\0\0\0\7", 8);
  const projector_value params[] = {{seven.data(), seven.size(), 20, 1}, {nullptr, 0, 25, 0}, {"", 0, 25, 0}};
  std::unique_ptr<plugin::Rows> rows;
  ASSERT_EQ(transaction_
                .query(PROJECTOR_NO_EVENT, PROJECTOR_SQL_BINARY, "SELECT $1 + 1, $2 IS NULL, $3 = ''", params, 3, rows)
                .status,
            PROJECTOR_OK);
  projector_value cell{};
  ASSERT_TRUE(rows->get(0, 0, cell));
  EXPECT_EQ(cell.binary, 1);
  EXPECT_EQ(std::string(cell.data, cell.size), std::string("\0\0\0\0\0\0\0\10", 8));
  ASSERT_TRUE(rows->get(0, 1, cell));
  EXPECT_EQ(std::string(cell.data, cell.size), std::string("\1", 1)) << "no data is SQL NULL";
  ASSERT_TRUE(rows->get(0, 2, cell));
  EXPECT_EQ(std::string(cell.data, cell.size), std::string("\1", 1)) << "empty is not NULL";
}

TEST_F(BatchTransactionTest, WhatAPluginPassesIsCopied) {
  transaction_.begin(move(0, 30));
  std::string sql = "INSERT INTO seen VALUES ($1)";
  std::string value = "12";
  exec(transaction_, sql, {text_value(value, 20)});
  sql.assign(sql.size(), '#');
  value = "99";
  EXPECT_TRUE(transaction_.commit());
  EXPECT_EQ(seen(), "12");
}

TEST_F(BatchTransactionTest, AFailedStatementIsChargedToItsEventAndPoisonsTheBatch) {
  run("INSERT INTO seen VALUES (2)");
  transaction_.begin(move(0, 30));
  EXPECT_EQ(add(1, 0).status, PROJECTOR_OK);
  EXPECT_EQ(add(2, 5).status, PROJECTOR_OK) << "it is only queued";
  EXPECT_EQ(add(3, 6).status, PROJECTOR_OK);
  std::unique_ptr<plugin::Rows> rows;
  const auto verdict = transaction_.query(7, 0, "SELECT 1", nullptr, 0, rows);
  EXPECT_FALSE(rows);
  EXPECT_EQ(verdict.status, PROJECTOR_REJECT);
  EXPECT_EQ(verdict.event_index, 5u);
  EXPECT_EQ(verdict.text,
            "duplicate key value violates unique constraint \"seen_pkey\", detail: Key (\"position\")=(2) "
            "already exists.; the statement: INSERT INTO seen VALUES ($1)");
  ASSERT_TRUE(transaction_.failure());
  EXPECT_EQ(transaction_.failure()->kind, Kind::Statement);
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::Reject);
  EXPECT_FALSE(transaction_.failure()->doubtful);
  // A plugin that ignores the failure gets the same status again, and no statement runs any more.
  const auto later = add(4, 8);
  EXPECT_EQ(later.status, PROJECTOR_REJECT);
  EXPECT_EQ(later.event_index, 5u);
  EXPECT_EQ(later.text, verdict.text);
  EXPECT_FALSE(transaction_.commit());
  transaction_.rollback();
  EXPECT_EQ(seen(), "2");
  EXPECT_EQ(checkpoints(), "revenue|0");
  transaction_.begin(move(0, 30));
  EXPECT_FALSE(transaction_.failure()) << "the next batch begins without it";
  EXPECT_EQ(add(4).status, PROJECTOR_OK);
  EXPECT_TRUE(transaction_.commit());
}

TEST_F(BatchTransactionTest, AFailureAtTheCommitIsNoDoubt) {
  run("ALTER TABLE seen ADD other bigint DEFAULT 5 REFERENCES seen DEFERRABLE INITIALLY DEFERRED");
  transaction_.begin(move(0, 30));
  add(1, 4);
  EXPECT_FALSE(transaction_.commit());
  ASSERT_TRUE(transaction_.failure());
  EXPECT_EQ(transaction_.failure()->kind, Kind::Statement);
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::Reject);
  EXPECT_EQ(transaction_.failure()->event_index, PROJECTOR_NO_EVENT);
  EXPECT_FALSE(transaction_.failure()->doubtful);
  EXPECT_NE(transaction_.failure()->text.find("violates foreign key constraint"), std::string::npos);
  EXPECT_NE(transaction_.failure()->text.find("(at COMMIT)"), std::string::npos);
  transaction_.rollback();
  EXPECT_EQ(checkpoints(), "revenue|0");
}

TEST_F(BatchTransactionTest, StatementsThatTheLexerRefusesAreFatal) {
  for (const char* sql :
       {"COMMIT", "/* hidden */ ROLLBACK", "SELECT 1; SELECT 2", "SET search_path = x", "CREATE TEMP TABLE t (x int)",
        "COPY seen TO STDOUT", "LISTEN somebody", "SELECT pg_advisory_lock(1)", ""}) {
    transaction_.begin(move(0, 30));
    const auto verdict = exec(transaction_, sql, {}, 4);
    EXPECT_EQ(verdict.status, PROJECTOR_FATAL) << sql;
    EXPECT_EQ(verdict.event_index, 4u) << sql;
    EXPECT_EQ(verdict.text.find("refused statement: "), 0u) << verdict.text;
    EXPECT_NE(verdict.text.find(std::string("; the statement: ") + sql), std::string::npos) << verdict.text;
    EXPECT_FALSE(transaction_.commit());
    EXPECT_EQ(pool_.snapshot().open, 0u) << "nothing was sent";
  }
}

TEST_F(BatchTransactionTest, ANulByteInTextIsTheEventsFault) {
  transaction_.begin(move(0, 30));
  const auto verdict =
      exec(transaction_, "SELECT $1, $2", {text_value("a"), text_value(std::string_view("b\0c", 3))}, 9);
  EXPECT_EQ(verdict.status, PROJECTOR_REJECT);
  EXPECT_EQ(verdict.event_index, 9u);
  EXPECT_EQ(verdict.text,
            "parameter $2 has a NUL byte, which PostgreSQL's text cannot hold: remove it, or pass the bytes "
            "in binary format as bytea; the statement: SELECT $1, $2");
  transaction_.begin(move(0, 30));
  const projector_value bytes{"b\0c", 3, 17, 1};
  EXPECT_EQ(exec(transaction_, "SELECT length($1)", {bytes}).status, PROJECTOR_OK) << "binary may hold it";
  EXPECT_TRUE(transaction_.commit());
}

TEST_F(BatchTransactionTest, MisuseIsFatalAndSaysSo) {
  transaction_.begin(move(0, 30));
  EXPECT_EQ(transaction_.exec(2, 0, nullptr, nullptr, 0).text, "a statement is NULL: pass its text");
  transaction_.begin(move(0, 30));
  const auto missing = transaction_.exec(2, 0, "SELECT $1", nullptr, 1);
  EXPECT_EQ(missing.status, PROJECTOR_FATAL);
  transaction_.begin(move(0, 30));
  const std::vector<projector_value> many(65536, text_value("1"));
  EXPECT_EQ(exec(transaction_, "SELECT $1", many).status, PROJECTOR_FATAL);
}

TEST_F(BatchTransactionTest, WhatAStatementShowsOfItselfIsCleanText) {
  transaction_.begin(move(0, 30));
  exec(transaction_, "SELECT '\xe4\n'", {}, 1);
  EXPECT_FALSE(transaction_.commit());
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::Reject) << "22021";
  EXPECT_NE(transaction_.failure()->text.find("the statement: SELECT '\xef\xbf\xbd '"), std::string::npos)
      << transaction_.failure()->text;
}

TEST_F(BatchTransactionTest, LongStatementsAreCutInErrors) {
  transaction_.begin(move(0, 30));
  exec(transaction_, "SELECT nothing_there /* " + std::string(100000, 'x') + " */");
  EXPECT_FALSE(transaction_.commit());
  EXPECT_LT(transaction_.failure()->text.size(), 500u);
}

TEST_F(BatchTransactionTest, ServerErrorsCallForTheirReactions) {
  run("CREATE FUNCTION raise(state text) RETURNS void LANGUAGE plpgsql AS "
      "$$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = state; END $$");
  const std::vector<std::pair<std::string, Reaction>> table{
      {"40001", Reaction::RetryForever}, {"40P01", Reaction::RetryForever}, {"55P03", Reaction::RetryForever},
      {"53200", Reaction::RetryForever}, {"57014", Reaction::RetryCounted}, {"22P02", Reaction::Reject},
      {"23514", Reaction::Reject},       {"P0001", Reaction::Reject},       {"42P01", Reaction::Fail},
      {"42501", Reaction::Fail}};
  for (const auto& [state, reaction] : table) {
    transaction_.begin(move(0, 30));
    exec(transaction_, "SELECT raise('" + state + "')", {}, 1, PROJECTOR_SQL_ONCE);
    EXPECT_FALSE(transaction_.commit());
    EXPECT_EQ(transaction_.failure()->kind, Kind::Statement) << state;
    EXPECT_EQ(transaction_.failure()->reaction, reaction) << state;
    EXPECT_EQ(transaction_.failure()->event_index, 1u) << state;
  }
}

TEST_F(BatchTransactionTest, AWrongNumberOfParametersIsThePluginsMistake) {
  for (const auto& values : {std::vector<projector_value>{}, {text_value("1"), text_value("2")}}) {
    for (const std::uint32_t flags : {0u, static_cast<std::uint32_t>(PROJECTOR_SQL_ONCE)}) {
      transaction_.begin(move(0, 30));
      exec(transaction_, "INSERT INTO seen VALUES ($1)", values, 1, flags);
      EXPECT_FALSE(transaction_.commit());
      EXPECT_EQ(transaction_.failure()->kind, Kind::Statement);
      EXPECT_EQ(transaction_.failure()->reaction, Reaction::Fail) << transaction_.failure()->text;
      EXPECT_NE(transaction_.failure()->text.find("; the statement: INSERT INTO seen"), std::string::npos);
    }
  }
}

TEST_F(BatchTransactionTest, ItsSessionIsNamedAfterThePartition) {
  const auto name_in = [&](const pg::ConnectOptions& connect) {
    pg::Pool pool({.connect = connect, .size = 1, .most = 1});
    auto wanted = transaction_options();
    wanted.key = {"revenue", 3, 8};
    BatchTransaction partition(pool, tables_, wanted, stop_);
    for (int batch = 0; batch < 2; ++batch) {
      partition.begin(std::nullopt);
      exec(partition, "SELECT 1");
      EXPECT_TRUE(partition.commit());
    }
    partition.begin(std::nullopt);
    const auto pid = query(partition, "SELECT pg_backend_pid()");
    return look("SELECT application_name FROM pg_stat_activity WHERE pid = " + pid);
  };
  auto connect = options();
  connect.application_name = "projectord projection";
  EXPECT_EQ(name_in(connect), "projectord projection revenue_p3");
  connect.dsn += " application_name=theirs";
  EXPECT_EQ(name_in(connect), "theirs");
}

TEST_F(BatchTransactionTest, ARealDeadlockIsTriedForeverAndNamesTheCure) {
  run("INSERT INTO seen VALUES (1), (2)");
  pg::Connection other(options(), base::no_stop());
  other.script("SET deadlock_timeout = '1h'; BEGIN; UPDATE seen SET position = position WHERE position = 2");
  transaction_.begin(move(0, 30));
  query(transaction_, "UPDATE seen SET position = position WHERE position = 1 RETURNING 1");
  auto blocked =
      std::async(std::launch::async, [&] { other.exec("UPDATE seen SET position = position WHERE position = 1"); });
  wait_for_lock_wait();
  exec(transaction_, "UPDATE seen SET position = position WHERE position = 2", {}, 3);
  EXPECT_FALSE(transaction_.commit());
  EXPECT_EQ(transaction_.failure()->kind, Kind::Statement);
  EXPECT_EQ(transaction_.failure()->reaction, Reaction::RetryForever) << transaction_.failure()->text;
  EXPECT_NE(transaction_.failure()->text.find("one statement per batch whose rows are sorted by their key"),
            std::string::npos)
      << transaction_.failure()->text;
  transaction_.rollback();
  blocked.get();
}

TEST_F(BatchTransactionTest, TheHostsSettingsAreInForce) {
  run("CREATE SCHEMA \"Read Model\"; CREATE TABLE \"Read Model\".here (x int)");
  auto options = transaction_options();
  options.schema = "Read Model";
  options.synchronous_commit = "local";
  BatchTransaction transaction(pool_, tables_, options, stop_);
  transaction.begin(move(0, 30));
  EXPECT_EQ(query(transaction, "SHOW search_path"), "\"Read Model\", \"$user\", public");
  EXPECT_EQ(query(transaction, "SELECT 'here'::regclass = '\"Read Model\".here'::regclass"), "t");
  EXPECT_EQ(query(transaction, "SHOW synchronous_commit"), "local");
  EXPECT_EQ(query(transaction, "SHOW lock_timeout"), "30s");
  EXPECT_EQ(query(transaction, "SHOW TimeZone"), "UTC");
  EXPECT_EQ(query(transaction, "SHOW DateStyle"), "ISO, YMD");
  EXPECT_EQ(query(transaction, "SHOW client_encoding"), "UTF8");
  EXPECT_EQ(query(transaction, "SHOW transaction_isolation"), "read committed");
  EXPECT_EQ(query(transaction, "SHOW standard_conforming_strings"), "on");
  EXPECT_TRUE(transaction.commit());
  transaction_.begin(move(30, 40));
  EXPECT_EQ(query(transaction_, "SHOW search_path"), "\"$user\", public") << "another projection has none of it";
  EXPECT_EQ(query(transaction_, "SHOW synchronous_commit"), "off");
}

TEST_F(BatchTransactionTest, WithoutAServerTheFailureIsTheConnections) {
  pg::Pool nowhere({.connect = {.dsn = "host=/nonexistent dbname=x", .settings = {}}, .size = 1, .most = 1});
  BatchTransaction transaction(nowhere, tables_, transaction_options(), stop_);
  transaction.begin(move(0, 30));
  EXPECT_EQ(exec(transaction, "SELECT 1").status, PROJECTOR_OK);
  EXPECT_FALSE(transaction.commit());
  EXPECT_EQ(transaction.failure()->kind, Kind::Connection);
  EXPECT_EQ(transaction.failure()->reaction, Reaction::RetryForever);
  EXPECT_FALSE(transaction.failure()->doubtful);
  EXPECT_EQ(nowhere.snapshot().in_use, 0u);
}

TEST_F(BatchTransactionTest, AStopEndsAStatementAfterTheGrace) {
  auto options = transaction_options();
  options.stop_grace = base::Duration::zero();
  BatchTransaction transaction(pool_, tables_, options, stop_);
  transaction.begin(move(0, 30));
  auto committed = std::async(std::launch::async, [&] {
    exec(transaction, "SELECT pg_sleep(3600)");
    return transaction.commit();
  });
  EXPECT_TRUE(test::eventually([&] {
    return look(
               "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()") ==
           "1";
  }));
  stop_.request();
  EXPECT_FALSE(committed.get());
  EXPECT_EQ(transaction.failure()->kind, Kind::Connection);
  EXPECT_FALSE(transaction.failure()->doubtful) << "COMMIT was not sent";
}

} // namespace
} // namespace projector::projection
