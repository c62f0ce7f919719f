#include "hot_test.hpp"
#include "replacement.hpp"
#include "support/event_writers.hpp"

#include <filesystem>
#include <string>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

/// Plugins in a directory of plugins.autostart, and the tables that name them.
class Autostart : public HotTest {
protected:
  fs::path projections() const { return host_.configuration_file().parent_path() / "projections.d"; }
  /// `trial` is not started under a name that is not configured, also after another scan.
  void expect_no_trial_of_its_own() {
    wait_for_scan();
    EXPECT_EQ(shown("trial", "state"), "") << everything();
    EXPECT_EQ(value("SELECT count(*) FROM projector_projections WHERE checkpoint = 'trial'"), "0");
    EXPECT_EQ(value("SELECT to_regclass('trial_seen')"), "");
  }
};

TEST_F(Autostart, AFileThatIsAwayForAMomentDoesNotRunItsPluginUnderItsOwnName) {
  host_.install_plugin("trial");
  host_.write_projection_file("kept", "[projection.kept]\nplugin = \"trial\"\n");
  append(20);
  host_.start();
  ASSERT_TRUE(is_live("kept", 1)) << everything();
  fs::rename(projections() / "kept.toml", projections() / "kept.away");
  ASSERT_TRUE(shows("kept", "state", "")) << everything();
  ASSERT_NO_FATAL_FAILURE(expect_no_trial_of_its_own());
  EXPECT_TRUE(host_.logs("trial.so does not start with default values: [projection.kept] at ")) << host_.log();
  fs::rename(projections() / "kept.away", projections() / "kept.toml");
  ASSERT_TRUE(is_live("kept", 2)) << everything();
  EXPECT_EQ(difference("kept"), 0);
}

TEST_F(Autostart, AFileThatIsAwayDoesNotRunItsProjectionWithDefaultValues) {
  host_.install_plugin("trial");
  const std::string table = "[projection.trial]\nschema = \"apart\"\nbatch_size = 7\n";
  host_.write_projection_file("trial", table);
  append(20);
  host_.start();
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  fs::remove(projections() / "trial.toml");
  ASSERT_TRUE(shows("trial", "state", "")) << everything();
  wait_for_scan();
  EXPECT_EQ(shown("trial", "state"), "") << everything();
  // Nor after a restart, since the stored rows show that it had a table.
  ASSERT_EQ(host_.stop(), 0);
  host_.start();
  wait_for_scan();
  EXPECT_EQ(shown("trial", "state"), "") << everything();
  EXPECT_EQ(value("SELECT to_regclass('public.trial_seen')"), "");
  EXPECT_TRUE(host_.logs("the checkpoint trial was last opened by [projection.trial]")) << host_.log();
  // The cure that the message offers.
  host_.write_projection_file("trial", "[projection.trial]\n");
  ASSERT_TRUE(is_live("trial", 1)) << everything();
}

TEST_F(Autostart, ADirectoryOfFilesThatIsMountedLateStartsNothingElse) {
  host_.install_plugin("trial");
  host_.write_projection_file("kept", "[projection.kept]\nplugin = \"trial\"\n");
  append(20);
  host_.start();
  ASSERT_TRUE(is_live("kept", 1)) << everything();
  ASSERT_EQ(host_.stop(), 0);
  const fs::path away = projections().parent_path() / "not_mounted";
  fs::rename(projections(), away);
  host_.start();
  fs::create_directories(projections());
  host_.install_renamed(built_plugin(".", "dropped_000"), "dropped_900");
  ASSERT_TRUE(shows("dropped_900", "state", "live")) << everything();
  ASSERT_NO_FATAL_FAILURE(expect_no_trial_of_its_own());
  fs::rename(away / "kept.toml", projections() / "kept.toml");
  ASSERT_TRUE(is_live("kept", 1)) << everything();
}

TEST_F(Autostart, AFileWithATypoAtTheFirstStartKeepsItsPluginFromStarting) {
  host_.install_plugin("trial");
  host_.write_projection_file("kept", "[projection.kept]\nplugin = \"trial\"\nbatch_sze = 10\n");
  append(20);
  host_.start();
  ASSERT_TRUE(shows("kept", "state", "refused")) << everything();
  ASSERT_NO_FATAL_FAILURE(expect_no_trial_of_its_own());
  host_.write_projection_file("kept", "[projection.kept\nplugin = \"trial\"\n");
  ASSERT_NO_FATAL_FAILURE(expect_no_trial_of_its_own());
  host_.write_projection_file("kept", "[projecton.kept]\nplugin = \"trial\"\n");
  ASSERT_NO_FATAL_FAILURE(expect_no_trial_of_its_own());
  host_.write_projection_file("kept", "[projection.kept]\nplugin = \"trial\"\nbatch_size = 10\n");
  ASSERT_TRUE(is_live("kept", 1)) << everything();
}

TEST_F(Autostart, ATableOfAnotherNameEndsItAndTheLogSaysHowToRunBoth) {
  host_.install_plugin("trial");
  append(20);
  host_.start();
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  host_.write_projection_file("second", "[projection.second]\nplugin = \"trial\"\n");
  ASSERT_TRUE(is_live("second", 1)) << everything();
  ASSERT_TRUE(shows("trial", "state", "")) << everything();
  EXPECT_TRUE(host_.logs("trial.so does not start as a projection trial of its own: [projection.second] at "))
      << host_.log();
  EXPECT_TRUE(host_.logs("to run both, add a table [projection.trial]"));
  const auto checked =
      run_program({PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config", host_.configuration_file().string(), "check"});
  EXPECT_EQ(checked.output.find("does not start with default values"), std::string::npos) << checked.output;
  host_.write_projection_file("trial", "[projection.trial]\n");
  ASSERT_TRUE(is_live("trial", 2)) << everything();
  EXPECT_EQ(shown("second", "state"), "live");
}

TEST_F(Autostart, AFileNameThatIsNoPluginsIsSaidOnce) {
  host_.install_file(built_plugin(".", "trial"), "World");
  append(1);
  host_.start();
  wait_for_scan();
  wait_for_scan();
  const std::string log = host_.log();
  const auto first = log.find("World.so is ignored: ");
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find("World.so is ignored: ", first + 1), std::string::npos) << log;
}

} // namespace
} // namespace projector::test
