#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace projector::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Expects that the host ends by itself; if not, the test fails and ends it.
int end_of(HostProcess& host) {
  host.start();
  if (!eventually([&] { return !host.running(); })) {
    ADD_FAILURE() << "it still runs: " << host.log();
    host.kill();
  }
  return host.wait();
}

TEST(RefusedConnection, ADatabaseThatIsNotThereEndsTheStartWithTheReason) {
  HostProcess host(PrivatePostgres::shared().dsn("no_such"));
  EXPECT_EQ(end_of(host), 1);
  EXPECT_THAT(host.log(), HasSubstr("database \"no_such\" does not exist"));
  EXPECT_THAT(host.log(), HasSubstr("event_store.dsn"));
  EXPECT_THAT(host.log(), Not(HasSubstr("waiting")));
}

TEST(RefusedConnection, ARoleThatIsNotThereEndsTheStartWithTheReason) {
  HostProcess host(PrivatePostgres::shared().create_database() + " user=no_such_role");
  EXPECT_EQ(end_of(host), 1);
  EXPECT_THAT(host.log(), HasSubstr("role \"no_such_role\" does not exist"));
}

/// A server that requires a password of one role.
class Password : public testing::Test {
protected:
  Password() {
    query_value(server_.dsn(), "CREATE ROLE guarded LOGIN PASSWORD 'right'");
    std::ofstream(server_.directory() / "data" / "pg_hba.conf")
        << "local all guarded scram-sha-256\nlocal all all trust\n";
    server_.restart();
  }
  PrivatePostgres server_;
};

TEST_F(Password, AWrongOrMissingOneEndsTheStartWithoutShowingIt) {
  for (const std::string password : {" password=hunter2", ""}) {
    HostProcess host(server_.dsn() + " user=guarded" + password);
    EXPECT_EQ(end_of(host), 1);
    EXPECT_THAT(host.log(), HasSubstr("password"));
    EXPECT_THAT(host.log(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(host.log(), Not(HasSubstr("waiting")));
  }
}

TEST(RefusedConnection, AServerThatStartsLaterIsWaitedFor) {
  PrivatePostgres server;
  const std::string dsn = server.create_database();
  create_event_store(dsn);
  server.stop_fast();
  HostProcess host(dsn);
  host.start();
  EXPECT_TRUE(host.logs("waiting for PostgreSQL")) << host.log();
  server.start();
  EXPECT_TRUE(host.logs("runs as")) << host.log();
  EXPECT_EQ(host.stop(), 0);
}

TEST(RefusedConnection, AWrongWordInTheDsnIsNamedWithItsFileAndKey) {
  HostProcess host("hots=db.example password=hunter2");
  EXPECT_EQ(end_of(host), 2);
  EXPECT_THAT(host.log(), HasSubstr("event_store.dsn"));
  EXPECT_THAT(host.log(), HasSubstr(host.configuration_file().string()));
  EXPECT_THAT(host.log(), HasSubstr("\"hots\""));
  EXPECT_THAT(host.log(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(host.log(), Not(HasSubstr("db.example")));
  const auto check =
      run_program({PROJECTOR_TEST_BIN_DIR "/projectorctl", "check", "--config", host.configuration_file().string()});
  EXPECT_EQ(check.code, 2);
  EXPECT_THAT(check.output, HasSubstr("event_store.dsn"));
  EXPECT_THAT(check.output, HasSubstr("\"hots\""));
  EXPECT_THAT(check.output, Not(HasSubstr("hunter2")));
}

} // namespace
} // namespace projector::test
