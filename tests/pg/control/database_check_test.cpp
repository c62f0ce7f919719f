#include "control_database.hpp"

#include "control/database_check.hpp"
#include "support/wait.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class DatabaseCheckTest : public ControlDatabase {
protected:
  DatabaseCheck run() { return check_databases(configuration(), base::no_stop()); }
};

TEST_F(DatabaseCheckTest, WhatIsThereIsNamed) {
  apply();
  append();
  const auto check = run();
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_THAT(check.facts, ElementsAre("event store: public.events can be read by role postgres, last position 1",
                                       "read model: the host's tables exist, and role postgres may use them",
                                       HasSubstr("sessions: a host needs ")));
}

TEST_F(DatabaseCheckTest, TooFewSessionsAreTold) {
  apply();
  const auto dsn = create_role();
  connection_.exec("GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + role_);
  connection_.exec("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO " + role_);
  configuration().event_store.dsn = configuration().read_model.dsn = dsn;
  connection_.exec("ALTER ROLE " + role_ + " CONNECTION LIMIT 8");
  EXPECT_THAT(run().facts.back(), HasSubstr("role " + role_ + " may have 8 sessions, and this host needs "));
  // The server counts a session until its process has ended.
  ASSERT_TRUE(test::eventually(
      [&] { return look("SELECT count(*) FROM pg_stat_activity WHERE usename = '" + role_ + "'") == "0"; }));
  connection_.exec("ALTER ROLE " + role_ + " CONNECTION LIMIT 2");
  EXPECT_THAT(run().problems.back(), HasSubstr("cure: ALTER ROLE \"" + role_ + "\" CONNECTION LIMIT "));
}

TEST_F(DatabaseCheckTest, AHostMakesItsOwnTables) {
  const auto check = run();
  EXPECT_THAT(check.problems,
              ElementsAre(HasSubstr("the event store is refused: the event store has no table events")));
  EXPECT_THAT(check.facts, ElementsAre("read model: the host's tables do not exist; the first start makes them in "
                                       "schema public",
                                       HasSubstr("sessions: ")));
  EXPECT_EQ(look("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

TEST_F(DatabaseCheckTest, ColumnsThatTablesOfAnEarlierVersionLackAreNamed) {
  apply();
  append();
  connection_.script(
      "ALTER TABLE projector_stores DROP COLUMN marks; ALTER TABLE projector_projections DROP COLUMN autostarted");
  const std::string lack = "the host's tables lack projector_projections.autostarted, projector_stores.marks";
  const auto owner = run();
  EXPECT_THAT(owner.problems, IsEmpty());
  EXPECT_THAT(owner.facts, Contains("read model: " + lack + ", which the next start adds"));

  configuration().read_model.dsn = create_role();
  connection_.exec("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + role_);
  EXPECT_THAT(run().problems,
              ElementsAre(lack + ", and role " + role_ + " does not own them; run \"projectorctl schema apply --role " +
                          role_ + "\" as the tables' owner"));
  configuration().read_model.dsn = dsn_;
  apply(role_);
  const auto cured = run();
  EXPECT_THAT(cured.problems, IsEmpty());
  EXPECT_THAT(cured.facts, Not(Contains(HasSubstr("lack"))));
}

TEST_F(DatabaseCheckTest, ARoleWithoutGrantsIsTold) {
  const auto dsn = create_role();
  configuration().read_model.dsn = dsn;
  EXPECT_THAT(run().problems.back(), HasSubstr("the host's tables are not in the read model's database, and role " +
                                               role_ + " may not make them; run \"projectorctl schema apply --role " +
                                               role_ + "\" as a user who may"));
  configuration().read_model.dsn = dsn_;
  apply();
  configuration().read_model.dsn = dsn;
  EXPECT_THAT(run().problems, ElementsAre(HasSubstr("role " + role_ + " may not use public.projector_projections, ")));
}

TEST_F(DatabaseCheckTest, AnUnsafeStoreIsRefused) {
  apply();
  connection_.exec("ALTER SEQUENCE events_global_position_seq CACHE 20");
  EXPECT_THAT(run().problems, ElementsAre(HasSubstr("CACHE 20")));
}

TEST_F(DatabaseCheckTest, AnotherStoreThanTheRememberedOneIsRefused) {
  apply();
  append();
  const auto identity = look("SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || d.oid || '/' || "
                             "'events'::regclass::oid FROM pg_database d WHERE datname = current_database()");
  connection_.exec("INSERT INTO projector_stores (store, timeline, settled, marks) VALUES ('" + identity +
                   "', 1, 1, '1:00000000-0000-0000-0000-000000000001')");
  EXPECT_THAT(run().problems, ElementsAre(HasSubstr("position 1 of public.events has event ")));
  connection_.exec("INSERT INTO projector_stores (store, timeline, settled) VALUES ('" + identity + "#2', 1, 0)");
  EXPECT_THAT(run().problems, IsEmpty());
}

TEST_F(DatabaseCheckTest, ARightThatIsMissingIsToldWithItsGrant) {
  apply();
  const auto dsn = create_role();
  apply(role_);
  connection_.exec("REVOKE EXECUTE ON FUNCTION pg_current_wal_flush_lsn() FROM PUBLIC");
  configuration().event_store.dsn = dsn;
  configuration().read_model.same_as_event_store = false;
  EXPECT_THAT(
      run().problems,
      ElementsAre(HasSubstr("GRANT EXECUTE ON FUNCTION pg_catalog.pg_current_wal_flush_lsn() TO \"" + role_ + "\"")));
  configuration().read_model.same_as_event_store = true;
  EXPECT_THAT(run().problems, IsEmpty());
}

TEST_F(DatabaseCheckTest, WhatCannotBeReachedIsAFinding) {
  configuration().event_store.dsn = configuration().read_model.dsn =
      "host=" + directory_.path().string() + " password=hunter2";
  const auto check = run();
  EXPECT_THAT(check.facts, IsEmpty());
  EXPECT_THAT(check.problems, ElementsAre(HasSubstr("the event store cannot be queried: "),
                                          HasSubstr("the read model cannot be queried: ")));
  EXPECT_EQ((check.problems[0] + check.problems[1]).find("hunter2"), std::string::npos);
}

} // namespace
} // namespace projector::control
