#include "control_database.hpp"

#include "eventlog/store_check.hpp"
#include "projection/checkpoint.hpp"
#include "projection/checkpoint_tables.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::HasSubstr;

using SchemaTest = ControlDatabase;

template <typename Call>
pg::Error error_of(Call&& call) {
  try {
    call();
  } catch (const pg::Error& error) {
    return error;
  }
  ADD_FAILURE() << "no pg::Error was thrown";
  return {pg::Error::Kind::Statement, "", "nothing was thrown"};
}

TEST_F(SchemaTest, AppliedTwiceItIsTheSameAndTakesEvents) {
  apply();
  EXPECT_EQ(append(), 1);
  apply();
  EXPECT_EQ(append(), 2);
  EXPECT_EQ(look("SELECT count(*) FROM events"), "2");
  EXPECT_EQ(
      look("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"),
      "aggregate_heads events projection_checkpoints projector_checkpoints projector_projections projector_stores "
      "projector_workers");
}

TEST_F(SchemaTest, TheEventStoreItMakesIsOneThatAHostTakes) {
  apply();
  append();
  const auto store = eventlog::check_store(connection_, configuration().event_store.events_table);
  EXPECT_EQ(store.table, "public.events");
  EXPECT_EQ(store.last_value, 1);
}

TEST_F(SchemaTest, ThePrintedTextDoesTheSame) {
  const auto text = schema_text(configuration(), "");
  EXPECT_EQ(text.rfind("-- In the database of the event store (event_store.dsn):\nCREATE TABLE", 0), 0U);
  EXPECT_THAT(text, HasSubstr("\n-- In the database of the read model (read_model.dsn), which is the same:\nCREATE"));
  connection_.script(text);
  connection_.script(text);
  EXPECT_EQ(append(), 1);
  EXPECT_TRUE(projection::find_tables(connection_, "projection_checkpoints"));
}

TEST_F(SchemaTest, TwoDatabasesGetTheirOwnTablesOnly) {
  configuration().read_model.dsn = test::PrivatePostgres::shared().create_database();
  configuration().read_model.same_as_event_store = false;
  EXPECT_THAT(schema_text(configuration(), ""), HasSubstr("-- In the database of the read model (read_model.dsn):\n"));
  apply();
  EXPECT_EQ(look("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"),
            "aggregate_heads events");
  pg::Connection read_model({.dsn = configuration().read_model.dsn, .settings = {}}, base::no_stop());
  EXPECT_TRUE(projection::find_tables(read_model, "projection_checkpoints"));
}

TEST_F(SchemaTest, ARoleCanDoWhatAHostDoes) {
  const auto dsn = create_role();
  add_projection("sales").schema = "sales_read";
  apply(role_);
  append();
  pg::Connection as_role({.dsn = dsn, .settings = {}}, base::no_stop());
  EXPECT_EQ(eventlog::check_store(as_role, "events").role, role_);
  EXPECT_EQ(as_role.exec("SELECT count(*) FROM events").int8(0, 0), 1);
  const auto tables = projection::open_tables(as_role, "projection_checkpoints");
  EXPECT_EQ(tables.mirror, "public.projection_checkpoints");

  projection::CheckpointRequest request;
  request.key = {"sales", 0, 1};
  request.projection = request.plugin = "sales";
  request.store = "store";
  request.store_last = 1;
  request.start_position = 0;
  const auto opened = projection::open_checkpoint(as_role, tables, request);
  EXPECT_EQ(opened.refusal, "");
  ASSERT_TRUE(opened.checkpoint);
  as_role.exec("UPDATE " + tables.checkpoints + " SET position = 1");
  as_role.exec("INSERT INTO " + tables.stores + " (store, timeline, settled) VALUES ('store', 1, 1)");
  as_role.exec("INSERT INTO " + tables.workers +
               " (name, host, projection, partition, partitions, state, plugin) VALUES ('sales', 'h', 'sales', 0, 1, "
               "'live', 'sales')");
  as_role.exec("DELETE FROM " + tables.workers);
  as_role.script("CREATE TABLE plugins_own (id int); CREATE SCHEMA IF NOT EXISTS sales_read; "
                 "CREATE TABLE sales_read.plugins_own (id int)");
  EXPECT_EQ(look("SELECT position FROM projector_checkpoints"), "1");
  EXPECT_EQ(error_of([&] { as_role.exec("DELETE FROM events"); }).sqlstate(), "42501");
}

TEST_F(SchemaTest, ALackOfPrivilegeIsToldWithTheWayOut) {
  configuration().event_store.dsn = create_role();
  const auto error = error_of([&] { apply(); });
  EXPECT_EQ(error.sqlstate(), "42501");
  EXPECT_THAT(error.what(), HasSubstr("the schema was not applied to the database of event_store.dsn: "));
  EXPECT_THAT(error.what(),
              HasSubstr("; run it as a user who may: --set event_store.dsn=\"..\" with that user, or give "
                        "the output of \"projectorctl schema print\" to psql"));
}

TEST_F(SchemaTest, AnAbsentRoleChangesNothing) {
  const auto error = error_of([&] { apply("schema_absent"); });
  EXPECT_EQ(error.sqlstate(), "42704");
  EXPECT_THAT(error.what(), HasSubstr("\"schema_absent\" does not exist; make the role first: CREATE ROLE .. LOGIN"));
  EXPECT_EQ(look("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

} // namespace
} // namespace projector::control
