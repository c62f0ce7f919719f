#include "supervisor/launch.hpp"

#include "plugin/staged_plugin.hpp"
#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace projector::supervisor {
namespace {

namespace fs = std::filesystem;

class LaunchTest : public ::testing::Test {
protected:
  static DesiredProjection wanted(const std::string& plugin, std::vector<std::uint32_t> partitions = {0}) {
    DesiredProjection wanted;
    wanted.projection.name = wanted.projection.checkpoint = "seen";
    wanted.projection.plugin = plugin;
    wanted.plugin = FoundPlugin{plugin, fs::path(PROJECTOR_TEST_BROKEN_PLUGIN_DIR) / (plugin + ".so"), {}, false, {}};
    wanted.partitions = std::move(partitions);
    return wanted;
  }
  Launch launch(const DesiredProjection& wanted) { return prepare_launch(wanted, directories_, runner_host_, 7); }
  /// Copies that lie in the staging directory.
  std::size_t copies() {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(staging_.path())) {
      count += entry.path().string().find(".so") == std::string::npos ? 0 : 1;
    }
    return count;
  }

  test::TemporaryDirectory temporary_;
  plugin::StagingDirectory staging_{temporary_.path() / "cache"};
  const LaunchDirectories directories_{staging_.path(), temporary_.path() / "state"};
  const plugin::RunnerHost runner_host_;
};

TEST_F(LaunchTest, AllPartitionsShareOneCopy) {
  auto ready = launch(wanted("recorder", {1, 3, 5}));
  ASSERT_EQ(ready.refusal, "");
  EXPECT_FALSE(ready.retry);
  ASSERT_EQ(ready.generation->assignments.size(), 3u);
  std::set<fs::path> files;
  std::vector<std::uint32_t> partitions;
  for (const auto& assignment : ready.generation->assignments) {
    files.insert(assignment.plugin->file().copy);
    partitions.push_back(assignment.partition);
    EXPECT_EQ(assignment.projection.name, "seen");
    EXPECT_EQ(assignment.generation, 7u);
    EXPECT_EQ(assignment.state_directory, (temporary_.path() / "state" / "seen").string());
    EXPECT_EQ(assignment.plugin->facts().name, "recorder");
  }
  EXPECT_EQ(files.size(), 1u);
  EXPECT_EQ(partitions, (std::vector<std::uint32_t>{1, 3, 5}));
  EXPECT_TRUE(fs::is_directory(temporary_.path() / "state" / "seen"));
  ready.generation->assignments.clear();
  EXPECT_EQ(copies(), 0u) << "removed with the last who uses it";
}

TEST_F(LaunchTest, TheBytesThatRunAlreadyAreNotLoadedAgain) {
  const auto first = launch(wanted("recorder"));
  ASSERT_TRUE(first.generation) << first.refusal;
  const auto running = first.generation->sha256;
  const auto again = prepare_launch(wanted("recorder"), directories_, runner_host_, 8, {"other", running});
  EXPECT_EQ(again.known, running);
  EXPECT_FALSE(again.generation);
  EXPECT_FALSE(again.generation);
  EXPECT_EQ(again.refusal, "");
  EXPECT_EQ(copies(), 1u);
  EXPECT_TRUE(prepare_launch(wanted("noop"), directories_, runner_host_, 8, {running}).generation);
}

TEST_F(LaunchTest, EqualBytesAreAskedForTheirFactsOnce) {
  ASSERT_TRUE(launch(wanted("recorder")).generation);
  runner_host_.runners->end(); // no process can be started any more
  const auto again = launch(wanted("recorder", {0, 1}));
  ASSERT_TRUE(again.generation) << again.refusal;
  EXPECT_EQ(again.generation->facts.name, "recorder");
  EXPECT_THROW(launch(wanted("noop")), std::system_error);
}

TEST_F(LaunchTest, TellsWhatThePluginMakesOfItsReadModel) {
  const auto resettable = launch(wanted("recorder"));
  EXPECT_EQ(resettable.generation->facts.read_model_version, 1u);
  EXPECT_TRUE(resettable.generation->facts.has_reset);
  EXPECT_FALSE(launch(wanted("external")).generation->facts.has_reset);
}

TEST_F(LaunchTest, AShareWithoutAPartitionIsCheckedAllTheSame) {
  const auto good = launch(wanted("recorder", {}));
  EXPECT_EQ(good.refusal, "");
  EXPECT_EQ(good.generation->assignments.size(), 0u);
  EXPECT_NE(launch(wanted("next_major", {})).refusal, "");
  EXPECT_EQ(copies(), 0u);
}

TEST_F(LaunchTest, ABadFileIsRefusedWithItsPathAndLeavesNoCopy) {
  const auto bad = wanted("next_major", {0, 1});
  const auto refused = launch(bad);
  EXPECT_FALSE(refused.generation);
  EXPECT_EQ(refused.refusal.find(bad.plugin->file.string()), 0u) << refused.refusal;
  EXPECT_FALSE(refused.retry);
  EXPECT_EQ(copies(), 0u);
}

TEST_F(LaunchTest, AHalfWrittenFileIsLookedAtAgain) {
  auto half = wanted("recorder");
  const auto file = temporary_.path() / "recorder.so";
  std::ifstream whole(half.plugin->file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  std::ofstream(file, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  fs::permissions(file, fs::perms::group_write | fs::perms::others_write, fs::perm_options::remove);
  half.plugin->file = file;
  const auto refused = launch(half);
  EXPECT_NE(refused.refusal, "");
  EXPECT_TRUE(refused.retry);
  EXPECT_EQ(copies(), 0u);
}

TEST_F(LaunchTest, SettingsThatThePluginDoesNotTakeAreRefused) {
  auto odd = wanted("retries", {0, 1});
  config::Setting setting;
  setting.key = "tims";
  setting.values = {"3"};
  setting.type = config::Setting::Type::Integer;
  setting.where = {"seen.toml", 4, 1};
  odd.projection.settings = {setting};
  const auto refused = launch(odd);
  EXPECT_FALSE(refused.generation);
  EXPECT_EQ(refused.refusal.find("seen.toml:4:1: "), 0u) << refused.refusal;
  EXPECT_NE(refused.refusal.find("times"), std::string::npos) << "the nearest known one: " << refused.refusal;
  EXPECT_EQ(copies(), 0u);
}

TEST_F(LaunchTest, SettingsArriveWithTheirDefaults) {
  const auto ready = launch(wanted("retries"));
  ASSERT_EQ(ready.generation->assignments.size(), 1u) << ready.refusal;
  const std::vector<plugin::Settings::Entry> expected{{"times", "1"}, {"position", "0"}};
  EXPECT_EQ(ready.generation->assignments[0].settings.entries(), expected);
}

TEST_F(LaunchTest, WithoutAStateDirectoryItRunsAllTheSame) {
  std::ofstream(temporary_.path() / "state") << "a file";
  const auto ready = launch(wanted("recorder"));
  ASSERT_EQ(ready.generation->assignments.size(), 1u) << ready.refusal;
  EXPECT_EQ(ready.generation->assignments[0].state_directory, "");
}

} // namespace
} // namespace projector::supervisor
