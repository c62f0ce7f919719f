#include "supervisor/directory_watch.hpp"

#include "support/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <fstream>

namespace projector::supervisor {
namespace {

namespace fs = std::filesystem;

class DirectoryWatchTest : public ::testing::Test {
protected:
  /// Waits for a report; whether one that counts came.
  bool reported() {
    pollfd wait{watch_.fd(), POLLIN, 0};
    return ::poll(&wait, 1, 30000) == 1 && watch_.drain();
  }
  /// Reports come with the change itself: what is not there now never will be.
  bool silent() { return !watch_.drain(); }
  static void put(const fs::path& file) { std::ofstream(file) << "x"; }

  test::TemporaryDirectory temporary_;
  fs::path directory_ = temporary_.path() / "plugins";
  DirectoryWatch watch_;
};

TEST_F(DirectoryWatchTest, NothingIsReportedWhereNothingHappens) {
  fs::create_directory(directory_);
  put(directory_ / "old.so");
  watch_.watch({directory_});
  EXPECT_TRUE(silent());
  EXPECT_FALSE(watch_.drain());
}

TEST_F(DirectoryWatchTest, ReportsCopiesMovesRemovalsAndModes) {
  fs::create_directory(directory_);
  watch_.watch({directory_});
  put(directory_ / "a.so");
  EXPECT_TRUE(reported()) << "cp";
  EXPECT_TRUE(silent()) << "all is taken";
  fs::rename(directory_ / "a.so", directory_ / "b.so");
  EXPECT_TRUE(reported()) << "mv";
  put(temporary_.path() / "c.so");
  EXPECT_TRUE(silent()) << "a file beside the directory";
  fs::rename(temporary_.path() / "c.so", directory_ / "c.so");
  EXPECT_TRUE(reported()) << "mv into it";
  fs::rename(directory_ / "c.so", temporary_.path() / "c.so");
  EXPECT_TRUE(reported()) << "mv out of it";
  fs::permissions(directory_ / "b.so", fs::perms::owner_all);
  EXPECT_TRUE(reported()) << "chmod";
  fs::remove(directory_ / "b.so");
  EXPECT_TRUE(reported()) << "rm";
  EXPECT_TRUE(silent());
}

TEST_F(DirectoryWatchTest, ReportsTheEndOfAWriteInPlace) {
  fs::create_directory(directory_);
  put(directory_ / "a.so");
  watch_.watch({directory_});
  {
    std::ofstream file(directory_ / "a.so", std::ios::app);
    file << "more" << std::flush;
    EXPECT_TRUE(silent()) << "it is still being written";
  }
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, ADirectoryMadeLaterIsReportedAndThenWatched) {
  watch_.watch({directory_});
  fs::create_directory(directory_);
  EXPECT_TRUE(reported());
  watch_.watch({directory_});
  put(directory_ / "a.so");
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, SeveralLevelsMadeAtOnceAreFollowed) {
  const auto deep = directory_ / "one" / "two";
  watch_.watch({deep});
  fs::create_directories(deep);
  EXPECT_TRUE(reported());
  watch_.watch({deep});
  put(deep / "a.so");
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, OtherEntriesOfAnAbsentDirectorysParentDoNotMatter) {
  watch_.watch({directory_});
  put(temporary_.path() / "unrelated");
  fs::create_directory(temporary_.path() / "plugins2");
  EXPECT_TRUE(silent());
  fs::create_directory(directory_);
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, TheParentIsGivenUpOnceTheDirectoryIsThere) {
  watch_.watch({directory_});
  fs::create_directory(directory_);
  EXPECT_TRUE(reported());
  watch_.watch({directory_});
  put(temporary_.path() / "unrelated");
  EXPECT_TRUE(silent());
}

TEST_F(DirectoryWatchTest, ARemovedDirectoryIsReportedAndWaitedForAgain) {
  fs::create_directory(directory_);
  watch_.watch({directory_});
  fs::remove_all(directory_);
  EXPECT_TRUE(reported());
  watch_.watch({directory_});
  fs::create_directory(directory_);
  EXPECT_TRUE(reported());
  watch_.watch({directory_});
  put(directory_ / "a.so");
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, AReplacedDirectoryIsWatchedAnew) {
  fs::create_directory(directory_);
  watch_.watch({directory_});
  fs::rename(directory_, temporary_.path() / "old");
  EXPECT_TRUE(reported());
  fs::create_directory(directory_);
  watch_.watch({directory_});
  put(directory_ / "a.so");
  EXPECT_TRUE(reported());
  put(temporary_.path() / "old" / "b.so");
  EXPECT_TRUE(silent());
}

TEST_F(DirectoryWatchTest, ADirectoryThatIsNotWantedAnyMoreIsSilent) {
  const auto other = temporary_.path() / "other";
  fs::create_directory(directory_);
  fs::create_directory(other);
  watch_.watch({directory_, other});
  watch_.watch({other});
  put(directory_ / "a.so");
  EXPECT_TRUE(silent());
  put(other / "a.so");
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, ADirectoryMayBeAnothersParent) {
  fs::create_directory(directory_);
  watch_.watch({directory_, directory_ / "more"});
  put(directory_ / "a.so");
  EXPECT_TRUE(reported());
  fs::create_directory(directory_ / "more");
  EXPECT_TRUE(reported());
  watch_.watch({directory_, directory_ / "more"});
  put(directory_ / "more" / "b.so");
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, APathMayEndInASlash) {
  fs::create_directory(directory_);
  watch_.watch({directory_.string() + "/"});
  put(directory_ / "a.so");
  EXPECT_TRUE(reported());
}

} // namespace
} // namespace projector::supervisor
