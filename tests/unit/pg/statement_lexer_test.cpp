#include "pg/statement_lexer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace projector::pg {
namespace {

using testing::HasSubstr;

TEST(StatementLexer, AllowsWhatEndsWithTheTransaction) {
  const std::vector<std::string_view> statements = {
      "SELECT 1",
      "select 1",
      "SeLeCt 1",
      "SELECT",
      "SELECT 1;",
      "SELECT 1 ; ;; ",
      ";;SELECT 1",
      "SELECT 1; -- the end",
      "SELECT 1; /* the end */",
      "SELECT 1 -- the end",
      "  \t\r\n\f\vSELECT 1",
      "-- first\nSELECT 1",
      "-- first\rSELECT 1",
      "/* first */ SELECT 1",
      "/* a /* nested; COMMIT */ comment */SELECT 1",
      "/*/ not closed by its own slash */ SELECT 1",
      "/**/SELECT/**/1/**/",
      "SELECT 4*/* times */5",
      "SELECT 3 - -4",
      "SELECT a-- minus\n- b FROM t",
      "(SELECT 1) UNION (SELECT 2)",
      "((VALUES (1)))",
      "( WITH a AS (SELECT 1) TABLE a)",
      "(TABLE a)",
      "SELECT(1)",
      "SELECT'a'",
      "INSERT INTO t VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING n",
      "INSERT INTO temp VALUES (1)",
      "INSERT INTO temporary SELECT 1",
      "WITH a AS (SELECT 1) INSERT INTO temp SELECT * FROM a",
      "MERGE INTO temp USING s ON s.id = temp.id WHEN MATCHED THEN DELETE",
      "SELECT 1 INTO t",
      "SELECT temp FROM readings",
      "SELECT r.temporary FROM readings r",
      "UPDATE t SET a = b WHERE c",
      "DELETE FROM ONLY t",
      "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
      "VALUES (1), (2)",
      "TABLE t",
      "CREATE TABLE IF NOT EXISTS t (id bigint PRIMARY KEY, temp int, local text)",
      "CREATE UNLOGGED TABLE t (id bigint)",
      "CREATE INDEX ON t (id)",
      "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (id)",
      "CREATE OR REPLACE VIEW v AS SELECT 1",
      "CREATE SCHEMA s",
      "CREATE TYPE mood AS ENUM ('a')",
      "CREATE MATERIALIZED VIEW v AS SELECT 1",
      "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2))",
      "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;",
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp AS $$SELECT 1$$",
      "CREATE FUNCTION f(a int) RETURNS int BEGIN ATOMIC SELECT a; SELECT CASE WHEN a > 1 THEN 2 END; END",
      "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); DELETE FROM u; END;",
      "ALTER TABLE t ADD COLUMN c int",
      "ALTER TABLE t RENAME COLUMN database TO system",
      "DROP TABLE IF EXISTS t",
      "DROP INDEX i",
      "TRUNCATE t",
      "COMMENT ON TABLE t IS 'one; two'",
      "GRANT SELECT ON t TO reader",
      "GRANT TEMPORARY ON DATABASE app TO reader",
      "GRANT CREATE, TEMP ON DATABASE app TO reader",
      "REVOKE ALL ON t FROM reader",
      "REFRESH MATERIALIZED VIEW v",
      "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
      "ANALYZE t",
      "LOCK TABLE t IN SHARE MODE",
      "SET LOCAL statement_timeout = '5s'",
      "set local search_path to app, public",
      "SET LOCAL search_path = app, pg_temp",
      "SET LOCAL TIME ZONE 'UTC'",
      "SET LOCAL app.tenant = 'a'",
      "SET LOCAL work_mem TO DEFAULT",
      "SET /* one */ LOCAL -- two\n work_mem = '1MB'",
      "SET CONSTRAINTS ALL DEFERRED",
      "DO $$ BEGIN PERFORM 1; COMMIT; END $$",
      "DO LANGUAGE plpgsql $body$ BEGIN PERFORM $$a;b$$; END $body$",
      "CALL p(1)",
      "EXPLAIN (ANALYZE, BUFFERS) SELECT 1",
      "SHOW work_mem",
      "NOTIFY changed, 'a'",
      "SELECT pg_notify('changed', 'a')",
      "DECLARE c CURSOR FOR SELECT 1",
      "DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1",
      "DECLARE c CURSOR FOR WITH hold AS (SELECT 1) SELECT * FROM hold",
      "FETCH ALL FROM c",
      "MOVE 10 IN c",
      "CLOSE c",
      "SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)",
      "SELECT 'pg_advisory_lock(1)'",
      "SELECT \"PG_ADVISORY_LOCK\"(1)",
      "SELECT pg_advisory_lock_count FROM t",
      "SELECT set_config('app.tenant', $1, true)",
      "SELECT pg_catalog.set_config('app.tenant', 'x', TRUE)",
      "SELECT set_config('app.tenant', concat('a', f(1, 2)), true), set_config('b.c', 'd', true)",
      "SELECT set_config('a.b', 'c', is_local => true)",
      "SELECT set_config('a.b', 'c', is_local := true)",
      "SELECT set_config FROM t",
      "SELECT 'it''s; COMMIT'",
      "SELECT 'a\\' -- a backslash is a plain byte\n",
      "SELECT E'a\\'; COMMIT'",
      "SELECT e'\\\\'",
      "SELECT E'a'\n  'b\\'; COMMIT'",
      "SELECT E'a' -- continued\n -- below\n 'b\\'; COMMIT'",
      "SELECT 'a' 'b'",
      "SELECT B'01', X'1F', N'a;b', U&'\\0061;' , 1E'a\\'; '",
      "SELECT \"a;b\", \"a\"\"; COMMIT\", U&\"\\0061;\"",
      "SELECT $$a; COMMIT$$, $tag$a; $$ $other$ $tag $tag$, $_1$;$_1$, $\xC3\xA4$;$\xC3\xA4$",
      "SELECT a$b$c, $1, $2::text, 1.5e10, .5, 0x1F",
      "SELECT a$$ FROM t",
      "SELECT $1$$;$$",
      "SELECT '-- no comment', '/* nor this', \"-- nor this\", $$/*$$",
      "SELECT \xC3\xA4 FROM t",
  };
  for (const std::string_view statement : statements) {
    SCOPED_TRACE(statement);
    EXPECT_EQ(refuse_statement(statement), std::nullopt);
  }
}

struct Refused {
  std::string_view statement;
  std::string_view begins; ///< what was found, and where
  std::string_view says;   ///< a part of what to do instead
};

void expect_refused(const std::vector<Refused>& table) {
  for (const Refused& row : table) {
    SCOPED_TRACE(row.statement);
    const auto refusal = refuse_statement(row.statement);
    EXPECT_TRUE(refusal.has_value());
    const std::string text = refusal.value_or("");
    EXPECT_EQ(text.substr(0, row.begins.size()), row.begins);
    EXPECT_THAT(text, HasSubstr(std::string(row.says)));
  }
}

TEST(StatementLexer, RefusesWhatBeginsOrEndsATransaction) {
  const std::string_view host = "the host begins and ends the transaction of a batch";
  expect_refused({
      {"BEGIN", "BEGIN at line 1, column 1 of the statement: ", host},
      {"begin;", "begin at line 1, column 1", host},
      {"START TRANSACTION", "START at line 1", host},
      {"COMMIT", "COMMIT at line 1", host},
      {"COMMIT PREPARED 'a'", "COMMIT at line 1", host},
      {"END", "END at line 1", host},
      {"ROLLBACK", "ROLLBACK at line 1", "return RETRY or REJECT to roll back"},
      {"ROLLBACK TO SAVEPOINT a", "ROLLBACK at line 1", host},
      {"ABORT", "ABORT at line 1", host},
      {"SAVEPOINT a", "SAVEPOINT at line 1", host},
      {"RELEASE a", "RELEASE at line 1", host},
      {";; COMMIT", "COMMIT at line 1, column 4", host},
      {"/* a */\n  -- b\n\n   COMMIT", "COMMIT at line 4, column 4", host},
      {"--\rCOMMIT", "COMMIT at line 1", host},
      {"/* /* */ */COMMIT", "COMMIT at line 1, column 12", host},
      {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "TRANSACTION at line 1, column 5", "isolation level"},
      {"SET LOCAL TRANSACTION READ ONLY", "TRANSACTION at line 1, column 11", "isolation level"},
      {"SET LOCAL transaction_isolation = 'serializable'", "transaction_isolation at", "isolation level"},
      {"SET LOCAL transaction_read_only = on", "transaction_read_only at", "writes the checkpoint"},
      {"SET LOCAL \"Transaction_Deferrable\" = on", "Transaction_Deferrable at", "kind of transaction"},
  });
}

TEST(StatementLexer, RefusesWhatOutlivesTheTransaction) {
  const std::string_view local = "write SET LOCAL";
  const std::string_view lock = "call pg_advisory_xact_lock";
  const std::string_view config = "write set_config(name, value, true)";
  expect_refused({
      {"SET work_mem = '1MB'", "SET at line 1, column 1", local},
      {"SET SESSION work_mem = '1MB'", "SET at line 1", local},
      {"SET SESSION AUTHORIZATION x", "SET at line 1", local},
      {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET at line 1", local},
      {"SET ROLE x", "SET at line 1", local},
      {"SET TIME ZONE 'UTC'", "SET at line 1", local},
      {"SET \"local\" = 1", "SET at line 1", local},
      {"SET", "SET at line 1", local},
      {"SET LOCAL ROLE x", "ROLE at line 1, column 11", "give [read_model] dsn the user that you want"},
      {"SET LOCAL SESSION AUTHORIZATION x", "SESSION at line 1, column 11", "give [read_model] dsn"},
      {"SET LOCAL session_authorization = x", "session_authorization at", "give [read_model] dsn"},
      {"SET LOCAL NAMES 'LATIN1'", "NAMES at", "UTF-8"},
      {"SET LOCAL client_encoding = latin1", "client_encoding at", "UTF-8"},
      {"SET LOCAL Standard_Conforming_Strings = off", "Standard_Conforming_Strings at", "write E'..'"},
      {"RESET work_mem", "RESET at", "SET LOCAL .. TO DEFAULT"},
      {"DISCARD ALL", "DISCARD at", "outlive the transaction"},
      {"LOAD 'x'", "LOAD at", "outlive the transaction"},
      {"LISTEN a", "LISTEN at", "no session of its own"},
      {"UNLISTEN *", "UNLISTEN at", "no session of its own"},
      {"PREPARE a AS SELECT 1", "PREPARE at", "the host prepares each statement"},
      {"PREPARE TRANSACTION 'a'", "PREPARE at", "the host prepares each statement"},
      {"EXECUTE a", "EXECUTE at", "with parameters as $1, $2"},
      {"DEALLOCATE ALL", "DEALLOCATE at", "the host prepares each statement"},
      {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", "HOLD at line 1, column 23", "declare it without HOLD"},
      {"DECLARE c SCROLL CURSOR with /**/ hold FOR SELECT 1", "hold at", "declare it without HOLD"},
      {"SELECT pg_advisory_lock(1)", "pg_advisory_lock at line 1, column 8", lock},
      {"SELECT PG_ADVISORY_LOCK (1)", "PG_ADVISORY_LOCK at", lock},
      {"SELECT pg_catalog.pg_advisory_lock_shared(1)", "pg_advisory_lock_shared at line 1, column 19", lock},
      {"SELECT \"pg_try_advisory_lock\"(1)", "pg_try_advisory_lock at", lock},
      {"SELECT pg_try_advisory_lock_shared(1, 2)", "pg_try_advisory_lock_shared at", lock},
      {"UPDATE t SET a = 1 WHERE pg_advisory_unlock(1)", "pg_advisory_unlock at", lock},
      {"SELECT \"pg_catalog\" . \"pg_advisory_unlock_shared\"(1)", "pg_advisory_unlock_shared at", lock},
      {"SELECT 1, /**/pg_advisory_unlock_all()", "pg_advisory_unlock_all at", lock},
      {"SELECT set_config('a.b', 'c', false)", "set_config at line 1, column 8", config},
      {"SELECT set_config('a.b', 'c', $1)", "set_config at", config},
      {"SELECT set_config('a.b', 'c', true AND false)", "set_config at", config},
      {"SELECT set_config('a.b', 'c', not true)", "set_config at", config},
      {"SELECT set_config('a.b', 'c', 'true')", "set_config at", config},
      {"SELECT set_config('a.b', 'c', is_local => false)", "set_config at", config},
      {"SELECT set_config('a.b', 'c')", "set_config at", config},
      {"SELECT set_config('a.b', 'c', true", "set_config at", config},
      {"SELECT set_config('a.b', 'c', true, true)", "set_config at", config},
      {"SELECT pg_catalog.\"set_config\"('a.b', 'c', false)", "set_config at", config},
      {"SELECT set_config('a', set_config('b', 'c', false), true)", "set_config at line 1, column 24", config},
      {"SELECT set_config('Role', 'x', true)", "Role at line 1, column 19", "give [read_model] dsn"},
  });
}

TEST(StatementLexer, RefusesTemporaryObjects) {
  const std::string_view temporary = "a temporary object would outlive the transaction";
  expect_refused({
      {"CREATE TEMP TABLE t (a int)", "TEMP at line 1, column 8", temporary},
      {"CREATE TEMPORARY TABLE t (a int)", "TEMPORARY at", "use a WITH query"},
      {"create temp table t (a int)", "temp at", temporary},
      {"CREATE LOCAL TEMP TABLE t (a int)", "TEMP at line 1, column 14", temporary},
      {"CREATE GLOBAL TEMPORARY TABLE t (a int)", "TEMPORARY at", temporary},
      {"CREATE TEMP VIEW v AS SELECT 1", "TEMP at", temporary},
      {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", "TEMP at line 1, column 19", temporary},
      {"CREATE OR REPLACE TEMPORARY RECURSIVE VIEW v (a) AS SELECT 1", "TEMPORARY at", temporary},
      {"CREATE TEMP SEQUENCE s", "TEMP at", temporary},
      {"CREATE /* a */ TEMP -- b\n TABLE t (a int)", "TEMP at", temporary},
      {"CREATE SCHEMA s CREATE TEMP TABLE t (a int)", "TEMP at", temporary},
      {"EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", "TEMP at", temporary},
      {"SELECT * INTO TEMP t FROM a", "TEMP at line 1, column 15", temporary},
      {"SELECT * INTO TEMPORARY TABLE t FROM a", "TEMPORARY at", temporary},
      {"SELECT * INTO LOCAL TEMP t FROM a", "TEMP at", temporary},
      {"WITH a AS (SELECT 1) SELECT * INTO temp t FROM a", "temp at", temporary},
      {"(SELECT 1 INTO TEMP t)", "TEMP at", temporary},
      {"SELECT 1INTO TEMP t", "TEMP at", temporary},
      {"CREATE TABLE pg_temp.t (a int)", "pg_temp at line 1, column 14", temporary},
      {"CREATE TABLE \"pg_temp\".t (a int)", "pg_temp at", temporary},
      {"CREATE TABLE Pg_Temp_3 . t (a int)", "Pg_Temp_3 at", temporary},
      {"SELECT * FROM a, pg_temp.t", "pg_temp at", temporary},
      {"SET LOCAL search_path = pg_temp, app", "pg_temp at", temporary},
  });
}

TEST(StatementLexer, RefusesWhatCannotRunInATransaction) {
  const std::string_view own_session = "run it from a session of your own";
  expect_refused({
      {"VACUUM t", "VACUUM at", own_session},
      {"CLUSTER t", "CLUSTER at", own_session},
      {"CHECKPOINT", "CHECKPOINT at", own_session},
      {"REINDEX TABLE t", "REINDEX at", own_session},
      {"CREATE DATABASE a", "DATABASE at line 1, column 8", own_session},
      {"CREATE TABLESPACE a LOCATION '/a'", "TABLESPACE at", own_session},
      {"CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION b", "SUBSCRIPTION at", own_session},
      {"ALTER SYSTEM SET work_mem = '1MB'", "SYSTEM at", own_session},
      {"ALTER DATABASE a SET TABLESPACE b", "DATABASE at", own_session},
      {"DROP DATABASE a", "DATABASE at", own_session},
      {"DROP SUBSCRIPTION a", "SUBSCRIPTION at", own_session},
      {"CREATE INDEX CONCURRENTLY i ON t (a)", "CONCURRENTLY at line 1, column 14", "leave CONCURRENTLY out"},
      {"CREATE UNIQUE INDEX concurrently ON t (a)", "concurrently at", "leave CONCURRENTLY out"},
      {"DROP INDEX CONCURRENTLY i", "CONCURRENTLY at", "leave CONCURRENTLY out"},
      {"ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "CONCURRENTLY at", "leave CONCURRENTLY out"},
      {"COPY t FROM STDIN", "COPY at", "unnest($1, ..)"},
      {"copy (SELECT 1) TO STDOUT", "copy at", "unnest($1, ..)"},
      {"FROBNICATE t", "FROBNICATE at line 1, column 1", "does not begin a statement that a plugin may run"},
      {"IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c", "IMPORT at", "does not begin a statement"},
      {"SELECTED", "SELECTED at", "does not begin a statement"},
      {"SELECT\xC2\xA0"
       "1",
       "SELECT\xC2\xA0"
       "1 at",
       "does not begin a statement"},
  });
}

TEST(StatementLexer, RefusesASecondStatement) {
  const std::string_view own = "it begins a second statement; pass each statement on its own";
  expect_refused({
      {"SELECT 1; SELECT 2", "SELECT at line 1, column 11", own},
      {"SELECT 1;\nCOMMIT;", "COMMIT at line 2, column 1", own},
      {"SELECT 1;;;SELECT 2", "SELECT at line 1, column 12", own},
      {"SELECT 1; (SELECT 2)", "( at line 1, column 11", own},
      {"SELECT 1; 2", "2 at line 1, column 11", own},
      {"SELECT 'a\\'; COMMIT; --'", "COMMIT at", own},
      {"SELECT N'a\\'; COMMIT; --'", "COMMIT at", own},
      {"SELECT U&'a\\'; COMMIT; --'", "COMMIT at", own},
      {"SELECT nameE'a\\'; COMMIT; --'", "COMMIT at", own},
      {"SELECT 'a'\n'b\\'; COMMIT; --'", "COMMIT at", own},
      {"SELECT E'a' 'b\\'; COMMIT; --'", "COMMIT at", own},
      {"SELECT E'a' /*\n*/ 'b\\'; COMMIT; --'", "COMMIT at", own},
      {"SELECT E'\\\\'; COMMIT", "COMMIT at", own},
      {"SELECT \"a\\\"; COMMIT; --\"", "COMMIT at", own},
      {"SELECT a$b$; COMMIT; --$b$", "COMMIT at", own},
      {"SELECT $a$x$a$; COMMIT; --$a$", "COMMIT at", own},
      {"SELECT $A$ $a$ $A$; COMMIT", "COMMIT at", own},
      {"SELECT $ $; COMMIT; $ $", "COMMIT at", own},
      {"SELECT 1 /* /* */ */; COMMIT /* */", "COMMIT at", own},
      {"SELECT 1 -- a\n; COMMIT", "COMMIT at", own},
      {"SELECT f(1); COMMIT", "COMMIT at", own},
      {"SELECT 1); COMMIT", "COMMIT at", own},
      {"DO $$ BEGIN END $$; COMMIT", "COMMIT at", own},
      {"SELECT 1 AS begin; SELECT 2", "SELECT at", own},
      {"CREATE FUNCTION f() RETURNS int RETURN 1; COMMIT", "COMMIT at", own},
      {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; COMMIT", "COMMIT at", own},
      {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END; END; COMMIT", "COMMIT at", own},
      {"CREATE TABLE begin (atomic int); COMMIT", "COMMIT at", own},
      {"CREATE VIEW v AS SELECT begin atomic FROM t; COMMIT", "COMMIT at", own},
  });
}

TEST(StatementLexer, RefusesWhatIsNotAStatement) {
  const std::string_view keyword = "a statement begins with a keyword such as SELECT";
  using namespace std::string_view_literals;
  expect_refused({
      {"", "the statement is empty: pass one SQL statement", ""},
      {"  \n ", "the statement is empty", ""},
      {";", "the statement is empty", ""},
      {" ; ; ", "the statement is empty", ""},
      {"-- only a comment", "the statement is empty", ""},
      {"/* only a comment */;", "the statement is empty", ""},
      {"1", "1 at line 1, column 1", keyword},
      {"'a'", "a at line 1", keyword},
      {"\"select\" 1", "select at", keyword},
      {"\\dt", "\\ at line 1, column 1", keyword},
      {"(INSERT INTO t VALUES (1))", "( at line 1, column 1", "in parentheses begins with SELECT"},
      {"(COMMIT)", "( at", "in parentheses begins with SELECT"},
      {"()", "( at", "in parentheses begins with SELECT"},
      {"(", "( at", "in parentheses begins with SELECT"},
      {"SELECT 'a", "a quoted string that does not end at line 1, column 8", "close it"},
      {"SELECT 'a''", "a quoted string that does not end", "close it"},
      {"SELECT E'a\\'", "a quoted string that does not end", "close it"},
      {"SELECT E'a\\", "a quoted string that does not end", "close it"},
      {"SELECT 'a'\n'b", "a quoted string that does not end at line 1, column 8", "close it"},
      {"SELECT \"a", "a quoted name that does not end at line 1, column 8", "close it"},
      {"SELECT U&\"a\"\"", "a quoted name that does not end", "close it"},
      {"SELECT\n $a$ $b$ $", "a dollar-quoted string that does not end at line 2, column 2", "close it"},
      {"SELECT 1 /* /* */", "a comment that does not end at line 1, column 10", "close it"},
      {"/* SELECT 1", "a comment that does not end at line 1, column 1", "close it"},
      {"'a", "a quoted string that does not end at line 1, column 1", "close it"},
      {"SELECT 1; 'a", "a quoted string that does not end", "close it"},
      {"SELECT '\0'"sv, "a NUL byte at line 1, column 9", "pass such bytes as a parameter"},
      {"SELECT 1 --\0"sv, "a NUL byte at line 1, column 12", "pass such bytes as a parameter"},
      {"\0"sv, "a NUL byte at line 1, column 1", "pass such bytes as a parameter"},
  });
}

TEST(StatementLexer, ShortensALongWordBetweenCharacters) {
  const std::string word = std::string(39, 'x') + "\xC3\xA4" + std::string(1000, 'y');
  const auto refusal = refuse_statement(word);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->substr(0, 49), std::string(39, 'x') + ".. at line");
}

TEST(StatementLexer, ReadsALargeStatementToItsEnd) {
  std::string rows = "INSERT INTO t VALUES ('a;b', $1)";
  for (int i = 0; i < 100000; ++i) {
    rows += ", ('a;b', $$c;d$$)";
  }
  EXPECT_EQ(refuse_statement(rows), std::nullopt);
  EXPECT_NE(refuse_statement(rows + "; COMMIT"), std::nullopt);
}

} // namespace
} // namespace projector::pg
