#include "supervisor/directory_watch.hpp"

#include "support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <map>

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

TEST_F(DirectoryWatchTest, AFileIsWatchedAloneAndHoweverItIsReplaced) {
  fs::create_directory(directory_);
  const auto file = directory_ / "main.toml";
  watch_.watch({}, {file});
  put(directory_ / "other.toml");
  EXPECT_TRUE(silent());
  put(file);
  EXPECT_TRUE(reported()) << "made";
  watch_.watch({}, {file});
  put(file);
  EXPECT_TRUE(reported()) << "written in place";
  fs::permissions(file, fs::perms::owner_read);
  EXPECT_TRUE(reported()) << "chmod";
  fs::rename(directory_ / "other.toml", file);
  EXPECT_TRUE(reported()) << "replaced";
  fs::remove(file);
  EXPECT_TRUE(reported()) << "removed";
}

TEST_F(DirectoryWatchTest, TheLinksOnTheWayToADirectoryAreWatched) {
  const auto away = temporary_.path() / "away";
  fs::create_directories(away / "one");
  fs::create_directories(away / "two");
  fs::create_directory_symlink("one", away / "current");
  fs::create_directory_symlink("away/../away/current/", directory_);
  watch_.watch({directory_});
  put(away / "one" / "a.so");
  EXPECT_TRUE(reported()) << "in the directory";
  put(away / "unrelated");
  EXPECT_TRUE(silent());
  fs::create_directory_symlink("two", away / "next");
  EXPECT_TRUE(silent());
  fs::rename(away / "next", away / "current");
  EXPECT_TRUE(reported()) << "the second link";
  watch_.watch({directory_});
  put(away / "one" / "b.so");
  EXPECT_TRUE(silent()) << "the directory before";
  put(away / "two" / "b.so");
  EXPECT_TRUE(reported());
  fs::remove(directory_);
  EXPECT_TRUE(reported()) << "the first link";
}

TEST_F(DirectoryWatchTest, AMountedConfigMapIsFollowed) {
  // As the kubelet lays it out: files are links through ..data, which is replaced as a whole.
  const auto version = [&](const char* name) {
    fs::create_directories(directory_ / name);
    put(directory_ / name / "main.toml");
    fs::create_directory_symlink(name, directory_ / "..data_tmp");
    fs::rename(directory_ / "..data_tmp", directory_ / "..data");
  };
  version("..2024_01");
  fs::create_symlink("..data/main.toml", directory_ / "main.toml");
  watch_.watch({}, {directory_ / "main.toml"});
  put(directory_ / "unrelated");
  EXPECT_TRUE(silent());
  version("..2024_02");
  EXPECT_TRUE(reported());
  fs::remove_all(directory_ / "..2024_01");
  watch_.watch({}, {directory_ / "main.toml"});
  watch_.drain();
  version("..2024_03");
  EXPECT_TRUE(reported()) << "the next change, too";
}

TEST_F(DirectoryWatchTest, ALinkToNowhereIsWaitedFor) {
  fs::create_directory_symlink(temporary_.path() / "later" / "on", directory_);
  watch_.watch({directory_});
  fs::create_directories(temporary_.path() / "later" / "on");
  EXPECT_TRUE(reported());
  watch_.watch({directory_});
  put(temporary_.path() / "later" / "on" / "a.so");
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, LinksInACircleAreNoEndlessWay) {
  fs::create_symlink("plugins", temporary_.path() / "other");
  fs::create_symlink("other", directory_);
  watch_.watch({directory_}, {directory_ / "main.toml"});
  EXPECT_TRUE(silent());
  fs::remove(temporary_.path() / "other");
  EXPECT_TRUE(reported());
}

TEST_F(DirectoryWatchTest, AnOverflowingQueueCallsForAScan) {
  watch_.watch({directory_}); // absent, so that no report but the overflow's counts
  int most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  ASSERT_GT(most, 0);
  const auto one = temporary_.path() / "one";
  const auto two = temporary_.path() / "two";
  put(one);
  put(two);
  EXPECT_TRUE(silent());
  for (int change = 0; change <= most; ++change) {
    ASSERT_EQ(::chmod((change % 2 == 0 ? one : two).c_str(), 0600), 0); // alternating, as equal reports become one
  }
  EXPECT_TRUE(reported());
  EXPECT_TRUE(silent());
  fs::create_directory(directory_);
  EXPECT_TRUE(reported()) << "it goes on";
}

/// The kernel's functions, but for what a test lets fail.
class FailingWatchTest : public DirectoryWatchTest {
protected:
  int add_watch(int fd, const fs::path& directory, std::uint32_t mask) {
    if (before_add) {
      before_add(directory);
    }
    if (const auto error = errors.find(directory); error != errors.end()) {
      errno = error->second;
      return -1;
    }
    return ::inotify_add_watch(fd, directory.c_str(), mask);
  }

  std::map<fs::path, int> errors;
  std::function<void(const fs::path&)> before_add;
  DirectoryWatch failing_{{::inotify_init1, [this](int fd, const char* directory, std::uint32_t mask) {
                             return add_watch(fd, directory, mask);
                           }}};
};

TEST_F(FailingWatchTest, UsedUpWatchesAreToldWithTheCure) {
  const auto second = temporary_.path() / "second";
  fs::create_directory(directory_);
  fs::create_directory(second);
  errors[directory_] = ENOSPC;
  failing_.watch({directory_, second});
  EXPECT_EQ(failing_.trouble(),
            "no watch for " + directory_.string() +
                ": this user's inotify watches are used up; changes there are noticed by the regular scan only; raise "
                "fs.inotify.max_user_watches with sysctl, or end other programs of this user that use it");
  put(second / "a.so");
  EXPECT_TRUE(failing_.drain()) << "the others are watched";
  errors.clear();
  failing_.watch({directory_, second});
  EXPECT_EQ(failing_.trouble(), std::nullopt);
  put(directory_ / "a.so");
  EXPECT_TRUE(failing_.drain());
}

TEST_F(FailingWatchTest, AnUnreadableDirectoryThatComesBackIsReported) {
  fs::create_directory(directory_);
  errors[directory_] = EACCES;
  failing_.watch({directory_});
  EXPECT_EQ(failing_.trouble(), std::nullopt) << "the scan tells of it";
  put(directory_ / "a.so");
  EXPECT_FALSE(failing_.drain());
  fs::permissions(directory_, fs::perms::owner_all);
  EXPECT_TRUE(failing_.drain());
  errors.clear();
  failing_.watch({directory_});
  put(directory_ / "b.so");
  EXPECT_TRUE(failing_.drain());
}

TEST_F(FailingWatchTest, ADirectoryThatIsReplacedJustBeforeItIsWatchedIsFound) {
  fs::create_directory(directory_);
  bool done = false;
  before_add = [&](const fs::path& directory) {
    if (directory == directory_ && !done) {
      done = true;
      fs::remove(directory_);
    } else if (directory == temporary_.path()) {
      fs::create_directory(directory_);
    }
  };
  failing_.watch({directory_});
  EXPECT_TRUE(done);
  failing_.drain();
  put(directory_ / "a.so");
  EXPECT_TRUE(failing_.drain());
}

TEST_F(FailingWatchTest, ADirectoryThatIsMadeJustBeforeItsParentIsWatchedIsFound) {
  before_add = [&](const fs::path& directory) {
    if (directory == temporary_.path()) {
      fs::create_directory(directory_);
    }
  };
  failing_.watch({directory_});
  EXPECT_FALSE(failing_.drain()) << "made before the watch";
  put(directory_ / "a.so");
  EXPECT_TRUE(failing_.drain());
}

TEST(DirectoryWatchWithoutInotify, IsReportedAndTriedAgain) {
  int error = EMFILE;
  DirectoryWatch watch({[&](int flags) {
                          errno = error;
                          return error != 0 ? -1 : ::inotify_init1(flags);
                        },
                        ::inotify_add_watch});
  const test::TemporaryDirectory temporary;
  watch.watch({temporary.path()});
  EXPECT_EQ(watch.fd(), -1);
  EXPECT_FALSE(watch.drain());
  EXPECT_EQ(watch.trouble(), "no inotify instance: Too many open files; changes of files are noticed by the regular "
                             "scan only; raise fs.inotify.max_user_instances with sysctl, or end other programs of "
                             "this user that use it");
  error = 0;
  watch.watch({temporary.path()});
  EXPECT_EQ(watch.trouble(), std::nullopt);
  std::ofstream(temporary.path() / "a.so") << "x";
  EXPECT_TRUE(watch.drain());
}

} // namespace
} // namespace projector::supervisor
