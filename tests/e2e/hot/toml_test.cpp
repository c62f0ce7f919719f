#include "hot_test.hpp"
#include "replacement.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <filesystem>
#include <string>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOne = "[projection.one]\nplugin = \"trial\"\n";
constexpr const char* kTwo = "[projection.two]\nplugin = \"trial\"\n";
constexpr const char* kLastGood = "its configuration file is refused, the last good version stays in use: ";

class Toml : public HotTest {
protected:
  void start() {
    host_.install_plugin("trial");
    host_.install_plugin("recorder");
    host_.write_projection_file("one", kOne);
    host_.write_projection_file("two", kTwo);
    append(20);
    host_.start();
    ASSERT_TRUE(is_live("one", 1)) << everything();
    ASSERT_TRUE(is_live("two", 1)) << everything();
    ASSERT_TRUE(is_live("recorder", 1)) << everything();
    two_ = shown("two", "thread");
    recorder_ = shown("recorder", "thread");
  }
  void remove_projection_file(const std::string& name) {
    fs::remove(host_.configuration_file().parent_path() / "projections.d" / (name + ".toml"));
  }
  void expect_the_others_undisturbed() {
    EXPECT_EQ(shown("two", "thread"), two_);
    EXPECT_EQ(shown("two", "generation"), "1");
    EXPECT_EQ(shown("recorder", "thread"), recorder_);
    EXPECT_EQ(shown("recorder", "generation"), "1");
  }

private:
  std::string two_;
  std::string recorder_;
};

TEST_F(Toml, WhatIsAddedChangedDisabledOrRemovedTakesEffectWithoutASignal) {
  ASSERT_NO_FATAL_FAILURE(start());
  host_.write_projection_file("three", "[projection.three]\nplugin = \"trial\"\npartitions = 2\n");
  ASSERT_TRUE(is_live("three", 1)) << everything();
  EXPECT_EQ(difference("three"), 0);

  host_.write_projection_file("one", std::string(kOne) + "batch_size = 3\n");
  ASSERT_TRUE(shows("one", "generation", "2")) << everything();
  ASSERT_TRUE(passes_trial("one", 2, 10)) << everything();
  ASSERT_TRUE(becomes("SELECT max(events) FROM one_batches WHERE partition = 0 AND events < 20", "3")) << everything();

  host_.write_projection_file("one", std::string(kOne) + "enabled = false\n");
  ASSERT_TRUE(shows("one", "state", "")) << everything();
  append(10);
  host_.write_projection_file("one", kOne);
  ASSERT_TRUE(is_live("one", 3)) << everything();

  remove_projection_file("three");
  ASSERT_TRUE(shows("three", "state", "")) << everything();
  append(10);
  host_.write_projection_file("three", "[projection.three]\nplugin = \"trial\"\npartitions = 2\n");
  ASSERT_TRUE(is_live("three", 2)) << everything();
  ASSERT_TRUE(caught_up());
  for (const char* name : {"one", "two", "three", "recorder"}) {
    EXPECT_EQ(difference(name), 0) << name;
  }
  expect_the_others_undisturbed();
}

TEST_F(Toml, WhatMeansTheSameIsNoNewGeneration) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto thread = shown("one", "thread");
  host_.write_projection_file("one", "# the same\n[projection.one]\nenabled = true\nplugin = \"trial\"\nbatch_size = "
                                     "100\n");
  wait_for_scan();
  host_.signal(SIGHUP);
  wait_for_scan();
  // Moved to another file, too.
  host_.write_projection_file("two", std::string(kTwo) + kOne);
  remove_projection_file("one");
  wait_for_scan();
  EXPECT_TRUE(shows("one", "reason", "")) << everything();
  EXPECT_EQ(shown("one", "thread"), thread);
  EXPECT_EQ(shown("one", "generation"), "1");
  expect_the_others_undisturbed();
}

TEST_F(Toml, OneOfSeveralThatShareAPluginGetsAnotherOne) {
  ASSERT_NO_FATAL_FAILURE(start());
  host_.install_plugin("rejects");
  ASSERT_TRUE(is_live("rejects", 1)) << everything();
  host_.write_projection_file("one", "[projection.one]\nplugin = \"rejects\"\n");
  ASSERT_TRUE(passes_trial("one", 2, 10)) << everything();
  EXPECT_EQ(shown("one", "plugin"), "rejects");
  // What a table names is not started for itself any more.
  EXPECT_TRUE(shows("rejects", "state", "")) << everything();
  ASSERT_TRUE(is_live("two", 1)) << everything();
  EXPECT_EQ(difference("one"), 0);
  EXPECT_EQ(difference("two"), 0);
  EXPECT_EQ(value("SELECT count(*) FROM one_seen WHERE projection = 'one'"), "10");
  EXPECT_EQ(value("SELECT count(*) FROM two_seen WHERE projection = 'first'"), "30");
  expect_the_others_undisturbed();
}

TEST_F(Toml, ABrokenIncludedFileKeepsItsLastGoodVersionAlsoOverARestart) {
  ASSERT_NO_FATAL_FAILURE(start());
  host_.write_projection_file("one", std::string(kOne) + "batch_size = 3\n");
  ASSERT_TRUE(passes_trial("one", 2, 1)) << everything();
  const auto thread = shown("one", "thread");

  host_.write_projection_file("one", std::string(kOne) + "batch_sise = 4\n");
  ASSERT_TRUE(shows_reason("one", kLastGood)) << everything();
  EXPECT_TRUE(shows_reason("one", "projections.d/one.toml:3:")) << everything();
  EXPECT_TRUE(shows_reason("one", "batch_size")) << everything();
  EXPECT_EQ(shown("one", "thread"), thread);
  EXPECT_EQ(shown("one", "state"), "live");
  expect_the_others_undisturbed();
  append(10);
  ASSERT_TRUE(caught_up());

  ASSERT_EQ(host_.stop(), 0) << host_.log();
  host_.start();
  ASSERT_TRUE(shows("one", "state", "live")) << everything();
  EXPECT_TRUE(shows_reason("one", kLastGood)) << everything();
  EXPECT_TRUE(shows_reason("one", "projections.d/one.toml:3:")) << everything();
  EXPECT_EQ(shown("one", "generation"), "1");
  append(10);
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("one"), 0);
  EXPECT_EQ(value("SELECT max(events) <= 3 FROM one_batches WHERE events < 20"), "t");

  host_.write_projection_file("one", kOne);
  ASSERT_TRUE(passes_trial("one", 2, 1)) << everything();
}

TEST_F(Toml, StatusShowsTheLastGoodVersionAsItRuns) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string good = "[projection.three]\nplugin = \"trial\"\npartitions = 2\ncheckpoint = \"third\"\n";
  host_.write_projection_file("three", good);
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE projection = 'three' AND state = 'live'", "2"));
  host_.write_projection_file("three", good + "batch_sise = 3\n");
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE projection = 'three' AND state = 'live' AND reason "
                      "LIKE '%the last good version stays in use%'",
                      "2"))
      << everything();
  const auto status =
      run_program({PROJECTOR_TEST_BIN_DIR "/projectorctl", "status", "--config", host_.configuration_file().string(),
                   "--plugin-dir", host_.plugin_directory().string()});
  EXPECT_EQ(status.code, 0) << status.output;
  EXPECT_NE(status.output.find("three       0/2"), std::string::npos) << status.output;
  EXPECT_NE(status.output.find("three       1/2"), std::string::npos) << status.output;
  EXPECT_EQ(status.output.find("three       0/1"), std::string::npos) << status.output;
}

TEST_F(Toml, AnIncludedFileThatNeverWasGoodIsRefusedUntilItIs) {
  ASSERT_NO_FATAL_FAILURE(start());
  host_.write_projection_file("three", "[projection.three]\nplugin = \"trial\"\nbatch_size = 1000000000000\n");
  ASSERT_TRUE(shows("three", "state", "refused")) << everything();
  EXPECT_TRUE(shows_reason("three", "projections.d/three.toml:3:")) << everything();
  host_.write_projection_file("three", "[projection.three]\nplugin = \"trial\"\n");
  ASSERT_TRUE(is_live("three", 1)) << everything();
  EXPECT_EQ(difference("three"), 0);
  expect_the_others_undisturbed();
}

TEST_F(Toml, ABrokenMainFileChangesNothingAndAGoodOneOnlyWhatItNames) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto thread = shown("one", "thread");
  host_.write_configuration("[read_model]\npool_sizes = 4\n");
  ASSERT_TRUE(host_.logs("pool_sizes")) << everything();
  wait_for_scan();
  EXPECT_EQ(shown("one", "thread"), thread);
  expect_the_others_undisturbed();
  host_.write_configuration("[projection.one]\nbatch_size = 2\n");
  ASSERT_TRUE(shows("one", "generation", "2")) << everything();
  ASSERT_TRUE(passes_trial("one", 2, 10)) << everything();
  ASSERT_TRUE(becomes("SELECT max(events) FROM one_batches WHERE events < 20", "2")) << everything();
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("one"), 0);
  expect_the_others_undisturbed();
}

TEST_F(Toml, SettingsThatThePluginRefusesLeaveTheOldOnesInForce) {
  const auto settings = [](const std::string& text) {
    return "[projection.notes]\nplugin = \"statement\"\n[projection.notes.settings]\nsetup = \"CREATE TABLE IF NOT "
           "EXISTS notes (text text)\"\n" +
           text;
  };
  host_.install_plugin("statement");
  host_.write_projection_file("notes", settings("exec = \"INSERT INTO notes VALUES ('old')\"\n"));
  append(10);
  host_.start();
  ASSERT_TRUE(is_live("notes", 1)) << everything();
  const auto thread = shown("notes", "thread");

  host_.write_projection_file("notes", settings("exec = 5\n"));
  ASSERT_TRUE(shows_reason("notes", "generation 1 keeps running: ")) << everything();
  EXPECT_TRUE(shows_reason("notes", "projections.d/notes.toml:5:")) << everything();
  EXPECT_TRUE(shows_reason("notes", "exec")) << everything();
  EXPECT_TRUE(host_.logs("notes: refused, generation 1 keeps running: "));
  append(10);
  ASSERT_TRUE(becomes("SELECT count(*) FROM notes WHERE text = 'old'", "20")) << everything();
  EXPECT_EQ(shown("notes", "thread"), thread);
  EXPECT_EQ(shown("notes", "state"), "live");

  host_.write_projection_file("notes", settings("exec = \"INSERT INTO notes VALUES ('new')\"\n"));
  ASSERT_TRUE(passes_trial("notes", 2, 10)) << everything();
  ASSERT_TRUE(becomes("SELECT count(*) FROM notes WHERE text = 'new'", "10")) << everything();
}

TEST_F(Toml, SettingsThatFailTheirTrialLeaveTheOldOnesInForce) {
  const auto settings = [](const std::string& exec) {
    return "[projection.notes]\nplugin = \"statement\"\n[projection.notes.settings]\nsetup = \"CREATE TABLE IF NOT "
           "EXISTS notes (text text)\"\nexec = \"INSERT INTO notes VALUES (" +
           exec + ")\"\n";
  };
  host_.install_plugin("statement");
  host_.write_projection_file("notes", settings("'old'"));
  append(10);
  host_.start();
  ASSERT_TRUE(is_live("notes", 1)) << everything();
  host_.write_projection_file("notes", settings("no_such_function()"));
  ASSERT_TRUE(shows_reason("notes", "generation 2 is on trial")) << everything();
  append(10);
  ASSERT_TRUE(host_.logs("notes: generation 2 failed before its first commit, going back to generation 1: "))
      << everything();
  ASSERT_TRUE(shows_reason("notes", "generation 1 keeps running: ")) << everything();
  EXPECT_TRUE(shows_reason("notes", "no_such_function")) << everything();
  ASSERT_TRUE(becomes("SELECT count(*) FROM notes WHERE text = 'old'", "20")) << everything();
}

} // namespace
} // namespace projector::test
