#include "program.hpp"

#include "support/host_process.hpp"
#include "support/private_postgres.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

using CheckCommand = Program;

TEST_F(CheckCommand, AnErrorInTheMainFileEndsWith2AndSaysWhere) {
  write_main("[feed]\nmemory = 64\n");
  for (const std::string command : {"check", "status", "schema print", "schema apply"}) {
    const auto run = run_configured(command);
    EXPECT_EQ(run.exit_code, 2) << command;
    EXPECT_EQ(shorten(run.error).rfind("main.toml:8:10: feed.memory", 0), 0U) << run.error;
    EXPECT_EQ(run.out, "") << command;
  }
}

TEST_F(CheckCommand, TheShippedConfigurationAndTheExamplesHaveNoProblem) {
  for (const std::string file : {"projectord.toml", "examples/fast-and-slow.toml"}) {
    // The example's plugins are not there.
    const int expected = file == "projectord.toml" ? 0 : 1;
    const auto run =
        Program::run("check --config " PROJECTOR_TEST_SOURCE_DIR "/config/" + file + " --set plugins.cache=\\\"" +
                     path("cache") + "\\\" --set plugins.state=\\\"" + path("state") + "\\\"");
    EXPECT_EQ(run.exit_code, expected) << file << "\n" << run.error;
    EXPECT_EQ(run.error, "") << file;
    EXPECT_THAT(run.out, Not(HasSubstr("problem:"))) << file;
  }
}

TEST_F(CheckCommand, AnAbsentFileEndsWith2) {
  const auto run = Program::run("check --config " + path("absent.toml"));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(shorten(run.error), "absent.toml: cannot be read: No such file or directory\n");
}

TEST_F(CheckCommand, WrongUsageEndsWith2) {
  for (const std::string arguments : {"", "chek", "schema", "schema drop", "inspect", "check --connet", "status a b"}) {
    const auto run = Program::run(arguments);
    EXPECT_EQ(run.exit_code, 2) << arguments;
    EXPECT_NE(run.error, "") << arguments;
  }
}

TEST_F(CheckCommand, OptionsMayStandOnBothSidesOfTheCommand) {
  write_main("[projection.x]\n");
  for (const std::string& arguments : {"--config " + path("main.toml") + " --set projection.x.partitions=3 check",
                                       "check --config " + path("main.toml") + " --set projection.x.partitions=3",
                                       "--set projection.x.partitions=3 check --config " + path("main.toml")}) {
    const auto run = Program::run(arguments);
    EXPECT_EQ(run.exit_code, 1) << run.error;
    EXPECT_THAT(run.out,
                HasSubstr("x           missing  3           x_p0..x_p2  missing: no plugin directory holds x.so"));
    EXPECT_EQ(run.error, "");
  }
}

TEST_F(CheckCommand, ACrashingPluginIsAFindingAndTheOthersAreStillChecked) {
  add_plugin("crashes_on_load");
  add_plugin("noop");
  write_main("[projection.crashes_on_load]\n[projection.noop]\n");
  const auto run = run_configured("check");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(shorten(run.out),
              HasSubstr("crashes_on_load  refused  1           crashes_on_load  plugins/crashes_on_load.so\n"));
  EXPECT_THAT(shorten(run.out),
              HasSubstr("noop             good     1           noop             plugins/noop.so, version 1.0.0\n"));
  EXPECT_THAT(shorten(run.out), HasSubstr("crashes_on_load: refused: plugins/crashes_on_load.so cannot be loaded: its "
                                          "process ended in loading the plugin with signal "));
}

TEST_F(CheckCommand, SettingsAreHeldAgainstThePluginWithoutShowingASecret) {
  add_plugin("many_settings");
  write("projections.d/many.toml", "[projection.many_settings.settings]\nlimit = \"ten\"\ncurency = \"EUR\"\n"
                                   "token = 20251122\n");
  write_main("");
  const auto run = run_configured("check");
  EXPECT_EQ(run.exit_code, 1);
  const auto out = shorten(run.out);
  EXPECT_THAT(out, HasSubstr("many_settings: refused: projections.d/many.toml:2:"));
  EXPECT_THAT(out, HasSubstr("many_settings: refused: projections.d/many.toml:3:"));
  EXPECT_THAT(out, HasSubstr("currency"));
  EXPECT_THAT(out, HasSubstr("many_settings: refused: projections.d/many.toml:4:"));
  EXPECT_THAT(out + run.error, Not(HasSubstr("20251122")));
}

TEST_F(CheckCommand, AnIncludedFileWithErrorsIsNamedAndTheOthersAreTaken) {
  write("projections.d/bad.toml", "[projection.bad]\nbatchsize = 10\n");
  write_main("[projection.x]\n");
  const auto run = run_configured("check");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(shorten(run.error).rfind("projections.d/bad.toml:2:1: ", 0), 0U) << run.error;
  EXPECT_THAT(run.error, HasSubstr("batch_size"));
  EXPECT_THAT(run.out, HasSubstr("x           missing  1           x"));
  EXPECT_THAT(run.out, Not(HasSubstr("bad")));
}

TEST_F(CheckCommand, ShadowedAndUnusedFilesAreNoted) {
  add_plugin("noop");
  add_plugin("recorder");
  add_plugin("noop", "first");
  write_main("");
  const auto run = run_configured("check --plugin-dir " + path("first"));
  EXPECT_EQ(run.exit_code, 0) << run.out;
  EXPECT_THAT(shorten(run.out), HasSubstr("noop        good   1           noop        first/noop.so, version 1.0.0\n"));
  EXPECT_THAT(shorten(run.out), HasSubstr("note: plugins/noop.so is shadowed by first/noop.so: it is not used\n"));
  EXPECT_THAT(shorten(run.out), HasSubstr("note: plugins/recorder.so starts nothing: its directory is not in "
                                          "plugins.autostart, and no [projection] names recorder\n"));
}

TEST_F(CheckCommand, TheNeedOfDescriptorsThreadsAndSessionsIsToldAndHeldAgainstTheLimit) {
  add_plugin("noop");
  write_main("[projection.noop]\npartitions = 400\n");
  const auto enough = run_configured("check");
  EXPECT_THAT(
      enough.out,
      ContainsRegex("the host needs up to 2[0-9][0-9][0-9] descriptors .* 4[0-9][0-9] threads and 400 processes .*, "
                    "[0-9]+ sessions on the event store and [0-9]+ on the read model"));
  const auto run = test::run_program(
      {"sh", "-c", "ulimit -n 256; exec " PROJECTOR_TEST_BIN_DIR "/projectorctl check --config " + path("main.toml")});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output,
              ContainsRegex("problem: 400 partitions need 2[0-9][0-9][0-9] descriptors, and a host with this "
                            "limit may open 256: raise it"));
}

TEST_F(CheckCommand, WhatIsSurelyNotMeantEndsWith1) {
  add_plugin("noop");
  write_main("[projection.noop]\n");
  ASSERT_EQ(run_configured("check").exit_code, 0);
  const auto expect_problem = [&](const std::string& arguments, const std::string& text) {
    const auto run = run_configured(arguments);
    EXPECT_EQ(run.exit_code, 1) << arguments;
    EXPECT_THAT(shorten(run.out), HasSubstr("problem: " + text)) << arguments;
  };
  expect_problem("check --only nop", "--only nop: no projection has this name; there are: noop\n");
  expect_problem("check --except nop", "--except nop: no projection has this name; there are: noop\n");
  expect_problem("check --plugin-dir " + path("absent"), "plugin directory absent is not there: make it");
  std::filesystem::permissions(path("projections.d"), std::filesystem::perms(0777));
  expect_problem("check", "projections.d can be written by anybody (mode 0777)");
}

TEST_F(CheckCommand, ConnectAsksTheDatabases) {
  write_main("", test::PrivatePostgres::shared().create_database());
  const auto before = run_configured("check --connect");
  EXPECT_EQ(before.exit_code, 1);
  EXPECT_THAT(before.out, HasSubstr("problem: the event store is refused: the event store has no table events"));
  ASSERT_EQ(run_configured("schema apply").exit_code, 0);
  const auto after = run_configured("check --connect");
  EXPECT_EQ(after.exit_code, 0) << after.out;
  EXPECT_THAT(after.out, HasSubstr("event store: public.events can be read by role postgres, last position 0\n"
                                   "read model: the host's tables exist, and role postgres may use them\n"));
}

} // namespace
} // namespace projector::control
