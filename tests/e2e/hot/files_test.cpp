#include "hot_test.hpp"
#include "replacement.hpp"
#include "support/temporary_directory.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

namespace projector::test {
namespace {

namespace fs = std::filesystem;

class Files : public HotTest {
protected:
  /// A projection that nothing else has to do with, and which must not notice anything.
  void start_beside(const std::vector<std::string>& arguments = {}) {
    host_.install_plugin("user_counter");
    append(30);
    host_.start(arguments);
    ASSERT_TRUE(is_live("user_counter", 1)) << everything();
    thread_ = shown("user_counter", "thread");
  }
  void expect_undisturbed() {
    EXPECT_EQ(shown("user_counter", "thread"), thread_);
    EXPECT_EQ(shown("user_counter", "generation"), "1");
  }

private:
  std::string thread_;
};

TEST_F(Files, APluginThatIsRemovedEndsAndContinuesWhenItComesBack) {
  host_.install_plugin("trial");
  host_.install_plugin("recorder");
  host_.write_projection_file("named", "[projection.named]\nplugin = \"trial\"\n");
  ASSERT_NO_FATAL_FAILURE(start_beside());
  ASSERT_TRUE(is_live("named", 1)) << everything();
  ASSERT_TRUE(is_live("recorder", 1)) << everything();
  fs::remove(host_.plugin_directory() / "trial.so");
  fs::remove(host_.plugin_directory() / "recorder.so");
  ASSERT_TRUE(shows("named", "state", "missing")) << everything();
  ASSERT_TRUE(shows("recorder", "state", "")) << everything();
  append(10);
  host_.install_plugin("recorder");
  host_.install_plugin("trial");
  ASSERT_TRUE(is_live("named", 2)) << everything();
  ASSERT_TRUE(is_live("recorder", 2)) << everything();
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("named"), 0);
  EXPECT_EQ(difference("recorder"), 0);
  EXPECT_EQ(value("SELECT count(*) FROM named_batches WHERE rebuild"), "0");
  expect_undisturbed();
}

TEST_F(Files, AFileOfAnotherNameIsAnotherProjection) {
  host_.install_renamed(built_plugin(".", "dropped_000"), "dropped_aaa");
  ASSERT_NO_FATAL_FAILURE(start_beside());
  ASSERT_TRUE(is_live("dropped_aaa", 1)) << everything();
  // The descriptor still has the old name.
  fs::rename(host_.plugin_directory() / "dropped_aaa.so", host_.plugin_directory() / "dropped_bbb.so");
  ASSERT_TRUE(shows("dropped_bbb", "state", "refused")) << everything();
  EXPECT_TRUE(shows_reason("dropped_bbb", "dropped_aaa")) << everything();
  ASSERT_TRUE(shows("dropped_aaa", "state", "")) << everything();
  host_.install_renamed(built_plugin(".", "dropped_000"), "dropped_bbb");
  ASSERT_TRUE(is_live("dropped_bbb", 1)) << everything();
  append(10);
  EXPECT_TRUE(becomes("SELECT count(*) FROM dropped_bbb_seen", "40")) << everything();
  EXPECT_EQ(difference("dropped_bbb"), 0);
  EXPECT_EQ(value("SELECT count(*) FROM dropped_aaa_seen"), "30");
  fs::rename(host_.plugin_directory() / "dropped_bbb.so", host_.plugin_directory() / "dropped_aaa.so");
  ASSERT_TRUE(shows("dropped_aaa", "state", "refused")) << everything();
  host_.install_renamed(built_plugin(".", "dropped_000"), "dropped_aaa");
  ASSERT_TRUE(is_live("dropped_aaa", 2)) << everything();
  ASSERT_TRUE(becomes("SELECT count(*) FROM dropped_aaa_seen", "40")) << everything();
  EXPECT_EQ(difference("dropped_aaa"), 0);
  expect_undisturbed();
}

TEST_F(Files, AFileInAnEarlierDirectoryTakesTheOthersPlaceAndGivesItBack) {
  const TemporaryDirectory later;
  fs::copy_file(built_plugin(".", "trial"), later.path() / "trial.so");
  fs::permissions(later.path() / "trial.so", fs::perms(0644));
  ASSERT_NO_FATAL_FAILURE(start_beside({"--plugin-dir", later.path().string()}));
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  host_.install_file(built_plugin("v2", "trial"), "trial");
  ASSERT_TRUE(passes_trial("trial", 2, 10)) << everything();
  EXPECT_EQ(shown("trial", "plugin_version"), "2.0.0");
  // The shadowed one does not matter, whatever becomes of it.
  replace_file(built_plugin("at_once", "trial"), later.path() / "trial.so", Way::Rsync);
  wait_for_scan();
  EXPECT_EQ(shown("trial", "generation"), "2");
  replace_file(built_plugin(".", "trial"), later.path() / "trial.so", Way::Rsync);
  wait_for_scan();
  EXPECT_EQ(shown("trial", "generation"), "2");
  fs::remove(host_.plugin_directory() / "trial.so");
  ASSERT_TRUE(passes_trial("trial", 3, 10)) << everything();
  EXPECT_EQ(shown("trial", "plugin_version"), "1.0.0");
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(difference("trial"), 0);
  EXPECT_EQ(value("SELECT count(*) FROM trial_seen WHERE projection = 'second'"), "10");
  expect_undisturbed();
}

TEST_F(Files, TwoHundredPluginsDroppedTogetherAllRunAndLeaveTogether) {
  constexpr int kPlugins = 200;
  ASSERT_NO_FATAL_FAILURE(start_beside());
  const auto name = [](int index) { return fmt::format("dropped_{:03}", index); };
  for (int index = 1; index <= kPlugins; ++index) {
    host_.install_renamed(built_plugin(".", "dropped_000"), name(index));
  }
  ASSERT_TRUE(eventually(
      [&] {
        return value("SELECT count(*) FROM projector_workers WHERE projection LIKE 'dropped%' AND state = 'live' AND "
                     "generation = 1 AND reason = ''") == "200";
      },
      std::chrono::seconds(120)))
      << everything();
  append(10);
  ASSERT_TRUE(caught_up()) << everything();
  std::string right;
  for (int index = 1; index <= kPlugins; ++index) {
    right += fmt::format("{}SELECT count(*) AS seen, sum(global_position) AS positions FROM {}_seen",
                         right.empty() ? "" : " UNION ALL ", name(index));
  }
  EXPECT_EQ(value("SELECT count(*) FROM (" + right +
                  ") models WHERE (seen, positions) = (SELECT count(*), sum(global_position) FROM events)"),
            "200");
  for (int index = 1; index <= kPlugins; ++index) {
    fs::remove(host_.plugin_directory() / (name(index) + ".so"));
  }
  ASSERT_TRUE(becomes("SELECT string_agg(name, ',') FROM projector_workers", "user_counter")) << everything();
  expect_undisturbed();
  EXPECT_EQ(host_.stop(), 0) << host_.log();
}

TEST_F(Files, APluginDirectoryMayBeExchangedUnreadableAndAway) {
  host_.install_plugin("trial");
  ASSERT_NO_FATAL_FAILURE(start_beside());
  ASSERT_TRUE(is_live("trial", 1)) << everything();
  const fs::path directory = host_.plugin_directory();
  const fs::path other = directory.parent_path() / "other";
  fs::create_directory(other);
  fs::permissions(other, fs::perms(0755));
  fs::copy_file(directory / "user_counter.so", other / "user_counter.so");
  fs::copy_file(built_plugin("v2", "trial"), other / "trial.so");
  fs::permissions(other / "trial.so", fs::perms(0644));

  exchange(directory, other);
  ASSERT_TRUE(passes_trial("trial", 2, 10)) << everything();
  EXPECT_EQ(shown("trial", "plugin_version"), "2.0.0");
  expect_undisturbed();
  const auto thread = shown("trial", "thread");

  // Nobody, not even root, can open a link to itself.
  const fs::path loop = directory.parent_path() / "loop";
  fs::create_symlink(directory.filename(), loop);
  exchange(directory, loop);
  ASSERT_TRUE(host_.logs("Too many levels of symbolic links")) << everything();
  append(10);
  ASSERT_TRUE(caught_up()) << everything();
  EXPECT_EQ(shown("trial", "state"), "live");
  EXPECT_EQ(shown("trial", "thread"), thread);
  expect_undisturbed();
  exchange(directory, loop);
  ASSERT_NO_FATAL_FAILURE(wait_for_scan());
  EXPECT_EQ(shown("trial", "generation"), "2");
  EXPECT_EQ(shown("trial", "thread"), thread);

  fs::rename(directory, other.string() + ".away");
  ASSERT_TRUE(shows("trial", "state", "")) << everything();
  append(10);
  fs::rename(other.string() + ".away", directory);
  ASSERT_TRUE(is_live("trial", 3)) << everything();
  ASSERT_TRUE(becomes("SELECT count(*) FROM trial_seen", "60")) << everything();
  EXPECT_EQ(difference("trial"), 0);
}

} // namespace
} // namespace projector::test
