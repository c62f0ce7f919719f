#include "base/unique_fd.hpp"

#include "pg/pg/database_test.hpp"
#include "pg/quote.hpp"
#include "support/temporary_directory.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <future>
#include <thread>

namespace projector::pg {
namespace {

using std::chrono::hours;

class ConnectionTest : public DatabaseTest {
protected:
  base::Stop stop_;
  Connection connection_{options(), stop_};
};

TEST_F(ConnectionTest, ANewSessionHasTheSettings) {
  auto wanted = options();
  wanted.application_name = "named";
  wanted.settings = {{"lock_timeout", "1234ms"}, {"search_path", "a'b, \"c\\d\""}};
  Connection connection(wanted, base::no_stop());
  EXPECT_EQ(value(connection, "SHOW client_encoding"), "UTF8");
  EXPECT_EQ(value(connection, "SHOW DateStyle"), "ISO, MDY");
  EXPECT_EQ(value(connection, "SHOW TimeZone"), "UTC");
  EXPECT_EQ(value(connection, "SHOW standard_conforming_strings"), "on");
  EXPECT_EQ(value(connection, "SHOW application_name"), "named");
  EXPECT_EQ(value(connection, "SHOW lock_timeout"), "1234ms");
  EXPECT_EQ(value(connection, "SHOW search_path"), "a'b, \"c\\d\"");
  EXPECT_EQ(std::to_string(connection.backend_pid()), value(connection, "SELECT pg_backend_pid()"));
  EXPECT_EQ(std::to_string(connection.server_version()), value(connection, "SHOW server_version_num"));
}

TEST_F(ConnectionTest, AnApplicationNameInTheDsnWins) {
  auto wanted = options();
  wanted.dsn += " application_name=theirs";
  Connection connection(wanted, base::no_stop());
  EXPECT_EQ(value(connection, "SHOW application_name"), "theirs");
}

TEST_F(ConnectionTest, ASettingTheServerRefusesIsAStatementsError) {
  auto wanted = options();
  wanted.settings = {{"lock_timeout", "soon"}};
  const auto error = error_of([&] { Connection connection(wanted, base::no_stop()); });
  EXPECT_EQ(error.kind(), Error::Kind::Statement);
  EXPECT_EQ(error.sqlstate(), "22023");
}

TEST_F(ConnectionTest, NoServerIsAConnectionErrorWithoutThePassword) {
  const auto error = error_of([] {
    Connection connection({.dsn = "host=/nowhere/hunter2 password=hunter2", .settings = {}}, base::no_stop());
  });
  EXPECT_TRUE(error.connection_lost());
  EXPECT_EQ(std::string(error.what()),
            "cannot connect to the database: connection to server on socket \"/nowhere/***/.s.PGSQL.5432\" failed: "
            "No such file or directory; Is the server running locally and accepting connections on that socket?");
}

TEST_F(ConnectionTest, ADatabaseThatDoesNotExistIsNamed) {
  const auto error = error_of([] {
    Connection connection({.dsn = test::PrivatePostgres::shared().dsn("no_such"), .settings = {}}, base::no_stop());
  });
  EXPECT_TRUE(error.connection_lost());
  EXPECT_TRUE(std::string(error.what()).ends_with("FATAL:  database \"no_such\" does not exist")) << error.what();
  EXPECT_EQ(error.sqlstate(), "3D000");
}

/// A listening socket without a server behind it.
class SilentServer {
public:
  SilentServer() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (directory_.path() / ".s.PGSQL.5432").c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_.get(), 4), 0);
  }
  [[nodiscard]] std::string dsn() const { return "user=nobody host=" + directory_.path().string(); }
  /// Returns when a client waits for the answer to its startup message.
  void wait_for_a_connection() {
    accepted_.reset(::accept(socket_.get(), nullptr, nullptr));
    char startup = 0;
    EXPECT_EQ(::recv(accepted_.get(), &startup, 1, MSG_PEEK), 1);
  }

private:
  test::TemporaryDirectory directory_;
  base::UniqueFd socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  base::UniqueFd accepted_;
};

TEST_F(ConnectionTest, ConnectingEndsAtItsTimeout) {
  const SilentServer silent;
  const auto error =
      error_of([&] { Connection connection({.dsn = silent.dsn() + " connect_timeout=1", .settings = {}}, stop_); });
  EXPECT_TRUE(error.connection_lost());
  EXPECT_TRUE(std::string(error.what()).ends_with(" within 1 s; check host, port and firewall")) << error.what();
}

TEST_F(ConnectionTest, ConnectingEndsWhenStopped) {
  SilentServer silent;
  std::thread thread([&] {
    EXPECT_THROW(Connection({.dsn = silent.dsn(), .connect_timeout = hours(1), .settings = {}}, stop_), Interrupted);
  });
  silent.wait_for_a_connection();
  stop_.request();
  thread.join();
}

TEST_F(ConnectionTest, ARefusedStatementTellsWhyAndTheSessionGoesOn) {
  connection_.exec("CREATE TABLE t (a int PRIMARY KEY)");
  connection_.exec("INSERT INTO t VALUES (1)");
  const auto duplicate = error_of([&] { connection_.exec("INSERT INTO t VALUES (1)"); });
  EXPECT_EQ(duplicate.kind(), Error::Kind::Statement);
  EXPECT_EQ(duplicate.sqlstate(), "23505");
  EXPECT_TRUE(duplicate.is("23"));
  EXPECT_STREQ(duplicate.what(),
               "duplicate key value violates unique constraint \"t_pkey\", detail: Key (a)=(1) already "
               "exists.");
  const auto unknown = error_of([&] { connection_.exec("SELECT lenght('x')"); });
  EXPECT_EQ(unknown.sqlstate(), "42883");
  EXPECT_STREQ(unknown.what(), "function lenght(unknown) does not exist, hint: No function matches the given name and "
                               "argument types. You might need to add explicit type casts.");
  EXPECT_TRUE(connection_.usable());
  EXPECT_EQ(value(connection_, "SELECT count(*) FROM t"), "1");
}

TEST_F(ConnectionTest, AScriptRunsAllAndGivesTheLastResult) {
  const auto result = connection_.script("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT sum(a) FROM t");
  EXPECT_EQ(result.int8(0, 0), 3);
  const auto error = error_of([&] { connection_.script("INSERT INTO t VALUES (3); SELECT 1 / 0; SELECT 2"); });
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_EQ(value(connection_, "SELECT sum(a) FROM t"), "3");
}

TEST_F(ConnectionTest, ExecRefusesTwoStatements) {
  EXPECT_EQ(error_of([&] { connection_.exec("SELECT 1; SELECT 2"); }).sqlstate(), "42601");
}

TEST_F(ConnectionTest, NoticesAreNoErrors) {
  EXPECT_EQ(value(connection_, "SELECT 1"), "1");
  connection_.exec("DO $$ BEGIN RAISE WARNING 'beware'; END $$");
  connection_.exec("DROP TABLE IF EXISTS nothing");
  EXPECT_TRUE(connection_.usable());
}

TEST_F(ConnectionTest, CopyClosesTheSession) {
  for (const char* copy : {"COPY (SELECT 1) TO STDOUT", "COPY pg_class FROM STDIN"}) {
    Connection connection(options(), stop_);
    const auto error = error_of([&] { connection.exec(copy); });
    EXPECT_TRUE(error.connection_lost());
    EXPECT_EQ(error.sqlstate(), "0A000");
    EXPECT_FALSE(connection.usable());
  }
}

TEST_F(ConnectionTest, ASessionEndedWhileIdleIsFoundOut) {
  ASSERT_TRUE(connection_.alive());
  terminate(connection_.backend_pid());
  EXPECT_FALSE(connection_.alive());
  EXPECT_FALSE(connection_.usable());
}

TEST_F(ConnectionTest, ASessionEndedBetweenStatementsIsLost) {
  terminate(connection_.backend_pid());
  const auto error = error_of([&] { connection_.exec("SELECT 1"); });
  EXPECT_TRUE(error.connection_lost()) << error.what();
  EXPECT_FALSE(connection_.usable());
  EXPECT_STREQ(error_of([&] { connection_.exec("SELECT 1"); }).what(), "the connection to the database is closed");
}

TEST_F(ConnectionTest, ASessionEndedByItsOwnStatementIsLostWithItsState) {
  const auto error = error_of([&] { connection_.exec("SELECT pg_terminate_backend(pg_backend_pid())"); });
  EXPECT_TRUE(error.connection_lost());
  EXPECT_EQ(error.sqlstate(), "57P01");
  EXPECT_STREQ(error.what(), "terminating connection due to administrator command");
  EXPECT_FALSE(connection_.usable());
}

TEST_F(ConnectionTest, AWaitingStatementIsCancelledWhenStopped) {
  const int pid = connection_.backend_pid();
  std::thread thread([&] { EXPECT_THROW(connection_.exec("SELECT pg_sleep(3600)"), Interrupted); });
  EXPECT_TRUE(test::eventually([&] { return session_is(pid, "wait_event = 'PgSleep'"); }));
  stop_.request();
  thread.join();
  EXPECT_FALSE(connection_.usable());
  EXPECT_TRUE(test::eventually([&] { return !session_is(pid, "true"); }));
}

TEST_F(ConnectionTest, AServerThatDoesNotAnswerTheCancelRequestIsNotWaitedFor) {
  test::PrivatePostgres server;
  Connection connection({.dsn = server.dsn(), .settings = {}}, stop_);
  const int backend = connection.backend_pid();
  std::future<void> interrupted =
      std::async(std::launch::async, [&] { EXPECT_THROW(connection.exec("SELECT pg_sleep(3600)"), Interrupted); });
  Connection watching({.dsn = server.dsn(), .settings = {}}, base::no_stop());
  EXPECT_TRUE(test::eventually(
      [&] { return value(watching, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"; }));
  ::kill(server.pid(), SIGSTOP);
  ::kill(backend, SIGSTOP);
  stop_.request();
  EXPECT_EQ(interrupted.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  ::kill(backend, SIGCONT);
  ::kill(server.pid(), SIGCONT);
  interrupted.get();
}

TEST_F(ConnectionTest, WithinTheGraceAStatementEndsInPeace) {
  const int pid = connection_.backend_pid();
  connection_.watch(stop_, hours(1));
  look("SELECT pg_advisory_lock(1)");
  std::thread thread([&] { EXPECT_EQ(value(connection_, "SELECT 'done' FROM pg_advisory_lock(1)"), "done"); });
  EXPECT_TRUE(test::eventually([&] { return session_is(pid, "wait_event_type = 'Lock'"); }));
  stop_.request();
  look("SELECT pg_advisory_unlock(1)");
  thread.join();
  EXPECT_EQ(value(connection_, "SELECT 1"), "1");
  connection_.watch(stop_, base::Duration::zero());
  EXPECT_THROW(connection_.exec("SELECT pg_sleep(3600)"), Interrupted);
}

TEST_F(ConnectionTest, ANotificationWakes) {
  connection_.exec("LISTEN news");
  EXPECT_FALSE(connection_.wait_for_notification(base::Clock::now()));
  std::thread thread([&] { EXPECT_TRUE(connection_.wait_for_notification(base::never())); });
  look("SELECT pg_notify('news', 'a')");
  thread.join();
  observer_.script("NOTIFY news, 'b'; NOTIFY news, 'c'; NOTIFY other, 'd'");
  EXPECT_TRUE(connection_.wait_for_notification(base::never()));
  EXPECT_FALSE(connection_.wait_for_notification(base::Clock::now()));
}

TEST_F(ConnectionTest, WaitingForANotificationEndsWithTheSession) {
  connection_.exec("LISTEN news");
  const int pid = connection_.backend_pid();
  std::thread thread(
      [&] { EXPECT_TRUE(error_of([&] { connection_.wait_for_notification(base::never()); }).connection_lost()); });
  terminate(pid);
  thread.join();
  EXPECT_FALSE(connection_.usable());
}

TEST_F(ConnectionTest, WaitingForANotificationEndsAtOnceWhenStoppedWhateverTheGrace) {
  connection_.exec("LISTEN news");
  connection_.watch(stop_, hours(1));
  std::promise<void> woken;
  std::thread thread([&] {
    EXPECT_TRUE(connection_.wait_for_notification(base::never()));
    woken.set_value();
    EXPECT_THROW(connection_.wait_for_notification(base::never()), Interrupted);
  });
  look("SELECT pg_notify('news', '')");
  woken.get_future().wait();
  stop_.request();
  thread.join();
  EXPECT_FALSE(connection_.usable());
}

TEST_F(ConnectionTest, AStreamGivesEveryRowInOrder) {
  std::int64_t expected = 0;
  connection_.stream("SELECT generate_series(1, $1)", Parameters().int8(5000), Format::Text, [&](const Result& row) {
    EXPECT_EQ(row.rows(), 1u);
    EXPECT_EQ(row.int8(0, 0), ++expected);
    return true;
  });
  EXPECT_EQ(expected, 5000);
  EXPECT_TRUE(connection_.at_rest());
}

TEST_F(ConnectionTest, AStreamThatEndsEarlyLeavesTheSessionUsable) {
  int seen = 0;
  connection_.stream("SELECT generate_series(1, 1000000000)", {}, Format::Text,
                     [&](const Result&) { return ++seen < 3; });
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(connection_.at_rest());
  EXPECT_EQ(value(connection_, "SELECT 42"), "42");
}

TEST_F(ConnectionTest, AStreamTellsAnErrorAfterTheRowsBeforeIt) {
  int seen = 0;
  const auto error = error_of([&] {
    connection_.stream("SELECT 10 / (4 - n) FROM generate_series(1, 9) n", {}, Format::Text, [&](const Result&) {
      ++seen;
      return true;
    });
  });
  EXPECT_EQ(error.sqlstate(), "22012");
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(value(connection_, "SELECT 42"), "42");
}

TEST_F(ConnectionTest, AStreamWhoseRowThrowsClosesTheSession) {
  EXPECT_THROW(connection_.stream("SELECT generate_series(1, 1000000000)", {}, Format::Text,
                                  [](const Result&) -> bool { throw std::out_of_range("enough"); }),
               std::out_of_range);
  EXPECT_FALSE(connection_.usable());
}

TEST_F(ConnectionTest, AtRestMeansNoTransaction) {
  EXPECT_TRUE(connection_.at_rest());
  connection_.exec("BEGIN");
  EXPECT_FALSE(connection_.at_rest());
  connection_.exec("COMMIT");
  EXPECT_TRUE(connection_.at_rest());
  connection_.close();
  EXPECT_FALSE(connection_.at_rest());
}

TEST_F(ConnectionTest, QuotedTextArrivesAsItWas) {
  const std::string nasty = "it's \\ \"x\" $1";
  for (const char* conforming : {"on", "off"}) {
    connection_.exec(std::string("SET standard_conforming_strings = ") + conforming);
    EXPECT_EQ(value(connection_, "SELECT" + pg::quote_literal(nasty)), nasty);
  }
  EXPECT_EQ(value(connection_, "SELECT " + pg::quote_identifier(nasty) + " FROM (SELECT 7) AS t(" +
                                   pg::quote_identifier(nasty) + ")"),
            "7");
}

} // namespace
} // namespace projector::pg
