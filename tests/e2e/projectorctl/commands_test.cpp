#include "program.hpp"

#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace projector::control {
namespace {

using nlohmann::json;
using testing::HasSubstr;

using Commands = Program;

TEST_F(Commands, InspectShowsAGoodPlugin) {
  add_plugin("many_settings");
  const auto run = Program::run("inspect " + path("plugins/many_settings.so"));
  EXPECT_EQ(run.exit_code, 0) << run.error;
  EXPECT_THAT(run.out, HasSubstr("name              many_settings\n"));
  EXPECT_THAT(run.out, testing::Not(HasSubstr("hunter2")));
}

TEST_F(Commands, InspectSurvivesAPluginThatCrashesOrExits) {
  for (const std::string name : {"crashes_on_load", "exits_on_load"}) {
    add_plugin(name);
    const auto run = Program::run("inspect " + path("plugins/" + name + ".so"));
    EXPECT_EQ(run.exit_code, 1) << name;
    EXPECT_EQ(shorten(run.error).rfind("refused: plugins/" + name + ".so ", 0), 0U) << run.error;
    EXPECT_EQ(run.out, "");
  }
}

TEST_F(Commands, SchemaPrintNeedsNoServer) {
  write_main("[projection.x]\nschema = \"x_read\"\n");
  const auto run = run_configured("schema print --role app");
  EXPECT_EQ(run.exit_code, 0) << run.error;
  EXPECT_EQ(run.out.rfind("-- In the database of the event store (event_store.dsn):\n", 0), 0U);
  EXPECT_THAT(run.out, HasSubstr("GRANT USAGE, CREATE ON SCHEMA \"x_read\" TO \"app\";\n"));
}

TEST_F(Commands, SchemaApplySaysWhatItDid) {
  write_main("", test::PrivatePostgres::shared().create_database());
  for (int time = 0; time < 2; ++time) {
    const auto run = run_configured("schema apply");
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_EQ(run.out, "applied to the database of event_store.dsn\napplied to the database of read_model.dsn\n");
    EXPECT_EQ(run.error, "");
  }
}

TEST_F(Commands, SchemaApplyFailsWithoutAServer) {
  write_main("", "host=" + path("nowhere") + " password=hunter2");
  const auto run = run_configured("schema apply");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.error.rfind("projectorctl: the schema was not applied to the database of event_store.dsn: ", 0), 0U);
  EXPECT_THAT(run.error, testing::Not(HasSubstr("hunter2")));
}

TEST_F(Commands, StatusBeforeAndAfterTheTables) {
  write_main("[projection.x]\n", test::PrivatePostgres::shared().create_database());
  const auto before = run_configured("status");
  EXPECT_EQ(before.exit_code, 0) << before.error;
  EXPECT_EQ(before.out.rfind("nothing has run here yet", 0), 0U);
  EXPECT_THAT(before.out, HasSubstr("x           0/1        stopped  -         -    -       -     -    -       -    -  "
                                    "       no host runs it\n"));

  ASSERT_EQ(run_configured("schema apply").exit_code, 0);
  const auto after = run_configured("status --json");
  EXPECT_EQ(after.exit_code, 0) << after.error;
  EXPECT_EQ(after.error, "");
  const auto status = json::parse(after.out);
  EXPECT_EQ(status["event_store"]["last_position"], 0);
  ASSERT_EQ(status["projections"].size(), 1U);
  EXPECT_EQ(status["projections"][0]["state"], "stopped");
}

TEST_F(Commands, StatusOfOneProjectionAndItsExitCode) {
  const auto dsn = test::PrivatePostgres::shared().create_database();
  write_main("[projection.x]\n[projection.y]\n", dsn);
  ASSERT_EQ(run_configured("schema apply").exit_code, 0);
  test::query_value(dsn, "INSERT INTO projector_workers (name, host, projection, partition, partitions, state, reason, "
                         "plugin) VALUES ('x', 'here/1', 'x', 0, 1, 'failed', 'it is broken', 'x')");
  const auto all = run_configured("status");
  EXPECT_EQ(all.exit_code, 1);
  EXPECT_THAT(all.out, HasSubstr("it is broken"));
  EXPECT_EQ(run_configured("status x").exit_code, 1);
  const auto other = run_configured("status y");
  EXPECT_EQ(other.exit_code, 0) << other.error;
  EXPECT_THAT(other.out, testing::Not(HasSubstr("it is broken")));
  const auto unknown = run_configured("status z");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.error, "z is no projection of this configuration and has never run here; known: x, y\n");
}

TEST_F(Commands, StatusFailsWhereTheReadModelCannotBeReached) {
  write_main("", "host=" + path("nowhere") + " password=hunter2");
  const auto run = run_configured("status");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.error.rfind("projectorctl: ", 0), 0U);
  EXPECT_THAT(run.error, testing::Not(HasSubstr("hunter2")));
}

TEST_F(Commands, StatusWithoutTheEventStoreShowsTheRestAndFails) {
  const auto read_model = test::PrivatePostgres::shared().create_database();
  write_main("[read_model]\ndsn = \"" + read_model + "\"\n[projection.x]\n", read_model);
  ASSERT_EQ(run_configured("schema apply").exit_code, 0);
  const auto run = run_configured("status --json --set event_store.dsn=host=" + path("nowhere"));
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.error.rfind("the event store cannot be read, so lag is not known: ", 0), 0U);
  EXPECT_EQ(json::parse(run.out)["event_store"]["last_position"], nullptr);
}

} // namespace
} // namespace projector::control
