#include "supervisor/configuration_watch.hpp"

#include "support/temporary_directory.hpp"
#include "support/wait.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

namespace projector::supervisor {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class ConfigurationWatchTest : public ::testing::Test {
protected:
  ConfigurationWatchTest() {
    fs::create_directory(path("d"));
    put("main.toml", "include = [\"d/*.toml\"]\n[event_store]\ndsn = \"dbname=app\"\n[plugins]\nstate = \"state\"\n"
                     "cache = \"cache\"\n");
    put("d/a.toml", "[projection.a]\n");
  }
  fs::path path(const std::string& name) const { return temporary_.path() / name; }
  void put(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  /// Leaves the times as they are.
  void put_behind(const std::string& name, const std::string& text) const {
    struct stat status {};
    ASSERT_EQ(::stat(path(name).c_str(), &status), 0);
    put(name, text);
    const timespec times[] = {status.st_atim, status.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path(name).c_str(), times, 0), 0);
  }
  config::Loaded load() {
    watch_.before_load();
    auto loaded = config::load(path("main.toml"), {});
    watch_.after_load(loaded.sources);
    return loaded;
  }
  /// Until nothing is reported any more; how many loads that took.
  int load_until_unchanged() {
    int loads = 0;
    while (watch_.changed() && loads < 10) {
      load();
      ++loads;
    }
    return loads;
  }
  void settle() const {
    ASSERT_TRUE(test::eventually([&] { return watch_.settled(); }));
  }

  test::TemporaryDirectory temporary_;
  ConfigurationWatch watch_{path("main.toml")};
};

TEST_F(ConfigurationWatchTest, TheFirstLoadIsDueAndThenNothingIs) {
  EXPECT_TRUE(watch_.changed());
  EXPECT_LE(load_until_unchanged(), 2);
  EXPECT_FALSE(watch_.changed());
  load();
  EXPECT_FALSE(watch_.changed());
}

TEST_F(ConfigurationWatchTest, EveryChangeOfAFileCounts) {
  load_until_unchanged();
  for (const std::string name : {"main.toml", "d/a.toml"}) {
    std::ofstream(path(name), std::ios::app) << "#";
    EXPECT_EQ(load_until_unchanged(), 1) << name << ": longer";
    fs::copy_file(path(name), path("copy"));
    fs::rename(path("copy"), path(name));
    EXPECT_EQ(load_until_unchanged(), 1) << name << ": replaced by the same text";
    settle();
    ASSERT_EQ(::chmod(path(name).c_str(), 0640), 0);
    EXPECT_EQ(load_until_unchanged(), 1) << name << ": other modes";
  }
}

TEST_F(ConfigurationWatchTest, SameSizeAndTimeDoNotHideAChange) {
  load_until_unchanged();
  settle();
  put_behind("d/a.toml", "[projection.b]\n");
  EXPECT_TRUE(watch_.changed());
}

TEST_F(ConfigurationWatchTest, FilesComeAndGo) {
  load_until_unchanged();
  put("d/b.toml", "[projection.b]\n");
  EXPECT_EQ(load_until_unchanged(), 1);
  fs::remove(path("d/a.toml"));
  EXPECT_EQ(load_until_unchanged(), 1);
  fs::rename(path("d"), path("e"));
  EXPECT_EQ(load_until_unchanged(), 1);
  fs::rename(path("e"), path("d"));
  EXPECT_EQ(load_until_unchanged(), 1);
  fs::remove(path("main.toml"));
  EXPECT_LE(load_until_unchanged(), 2);
  EXPECT_THAT(watch_.files(), ElementsAre(path("main.toml")));
}

TEST_F(ConfigurationWatchTest, WhatIsNotIncludedDoesNotCount) {
  load_until_unchanged();
  put("d/.a.toml.swp", "x");
  put("d/a.toml~", "x");
  put("other.toml", "x");
  fs::create_directory(path("d/directory"));
  EXPECT_FALSE(watch_.changed());
}

TEST_F(ConfigurationWatchTest, AChangeDuringALoadIsNoticed) {
  load_until_unchanged();
  watch_.before_load();
  put("d/a.toml", "[projection.another]\n");
  watch_.after_load(config::load(path("main.toml"), {}).sources);
  EXPECT_TRUE(watch_.changed());
}

TEST_F(ConfigurationWatchTest, ARefusedLoadsFilesAreWatched) {
  load_until_unchanged();
  fs::create_directory(path("e"));
  put("e/b.toml", "[projection.a]\n");
  put("main.toml", "include = [\"d/*.toml\", \"e/*.toml\"]\n[event_store]\ndsn = \"dbname=app\"\n");
  load_until_unchanged();
  EXPECT_FALSE(load().configuration.has_value()) << "a name in two files";
  EXPECT_THAT(watch_.directories(), ElementsAre(path("d"), path("e")));
  EXPECT_THAT(watch_.files(), ElementsAre(path("d/a.toml"), path("e/b.toml"), path("main.toml")));
  put("e/b.toml", "[projection.b_now]\n");
  EXPECT_TRUE(watch_.changed());
}

TEST_F(ConfigurationWatchTest, LinksAreFollowed) {
  fs::create_directories(path("d/..1"));
  fs::create_directories(path("d/..2"));
  put("d/..1/b.toml", "[projection.b]\n");
  put("d/..2/b.toml", "[projection.b]\n");
  fs::create_directory_symlink("..1", path("d/..data"));
  fs::create_symlink("..data/b.toml", path("d/b.toml"));
  load_until_unchanged();
  EXPECT_THAT(watch_.files(), ElementsAre(path("d/a.toml"), path("d/b.toml"), path("main.toml")));
  fs::create_directory_symlink("..2", path("d/..next"));
  EXPECT_FALSE(watch_.changed());
  fs::rename(path("d/..next"), path("d/..data"));
  EXPECT_EQ(load_until_unchanged(), 1);
  fs::remove(path("d/..data"));
  EXPECT_EQ(load_until_unchanged(), 1) << "a link to nowhere";
}

TEST_F(ConfigurationWatchTest, AFileThatIsBeingWrittenIsNotSettled) {
  load_until_unchanged();
  settle();
  // A moment on a busy machine can be longer than what counts as fresh.
  EXPECT_TRUE(test::eventually([&] {
    put("d/a.toml", "");
    return !watch_.settled();
  }));
  settle();
}

TEST_F(ConfigurationWatchTest, AFileDatedInTheFutureSettles) {
  load_until_unchanged();
  fs::last_write_time(path("d/a.toml"), fs::file_time_type::clock::now() + std::chrono::hours(24));
  settle();
}

} // namespace
} // namespace projector::supervisor
