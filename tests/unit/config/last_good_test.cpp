#include "config/last_good.hpp"

#include "sources.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

namespace projector::config::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Below the limit, writing a file fails with EFBIG.
class FileSizeLimit {
public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
  rlimit before_{};
  void (*handler_)(int);
};

class LastGoodStore : public testing::Test {
protected:
  static Loaded loaded(const fs::path& main_file, const std::map<fs::path, std::string>& good,
                       const std::vector<fs::path>& refused = {}) {
    Loaded result;
    result.configuration.emplace();
    result.sources.main_file = main_file;
    result.good_files = good;
    for (const auto& [path, text] : good) {
      result.sources.files.push_back(path);
    }
    result.sources.files.insert(result.sources.files.end(), refused.begin(), refused.end());
    return result;
  }
  void keep(const Loaded& loaded) { EXPECT_THAT(last_good_.keep(loaded), IsEmpty()); }
  std::vector<fs::path> kept_files() const {
    std::vector<fs::path> files;
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(state() / ".configuration", absent)) {
      files.push_back(entry.path());
    }
    return files;
  }
  static mode_t mode(const fs::path& path) {
    struct stat status {};
    ::lstat(path.c_str(), &status);
    return status.st_mode & 07777;
  }
  fs::path state() const { return temporary_.path() / "var/state"; }

  projector::test::TemporaryDirectory temporary_;
  LastGood last_good_{state()};
};

TEST_F(LastGoodStore, NothingIsMadeBeforeThereIsSomethingToKeep) {
  EXPECT_THAT(last_good_.keep(loaded("/main.toml", {}, {"/d/bad.toml"})), IsEmpty());
  EXPECT_EQ(last_good_.text("/main.toml", "/d/bad.toml"), std::nullopt);
  EXPECT_FALSE(fs::exists(temporary_.path() / "var"));
}

TEST_F(LastGoodStore, KeepsTextsForTheNextHost) {
  const std::string text("[projection.a]\n\0\xff", 17);
  keep(loaded("/main.toml", {{"/d/a.toml", text}, {"/d/empty.toml", ""}}));
  const LastGood next(state());
  EXPECT_EQ(next.text("/main.toml", "/d/a.toml"), text);
  EXPECT_EQ(next.text("/main.toml", "/d/empty.toml"), "");
  EXPECT_EQ(next.text("/main.toml", "/d/b.toml"), std::nullopt);
  EXPECT_EQ(next.text("/other.toml", "/d/a.toml"), std::nullopt) << "another host's configuration";
}

TEST_F(LastGoodStore, NobodyElseMayReadIt) {
  keep(loaded("/main.toml", {{"/d/a.toml", "x"}}));
  EXPECT_EQ(mode(last_good_.directory()), 0700u);
  ASSERT_EQ(kept_files().size(), 1u);
  EXPECT_EQ(mode(kept_files()[0]), 0600u);
}

TEST_F(LastGoodStore, AFileThatIsTheSameIsNotWrittenAgain) {
  keep(loaded("/main.toml", {{"/d/a.toml", "one"}}));
  struct stat first {};
  ASSERT_EQ(::stat(kept_files().at(0).c_str(), &first), 0);
  keep(loaded("/main.toml", {{"/d/a.toml", "one"}}));
  struct stat second {};
  ASSERT_EQ(::stat(kept_files().at(0).c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
  keep(loaded("/main.toml", {{"/d/a.toml", "two"}}));
  EXPECT_EQ(kept_files().size(), 1u);
  EXPECT_EQ(LastGood(state()).text("/main.toml", "/d/a.toml"), "two");
}

TEST_F(LastGoodStore, OnlyWhatIsIncludedNoMoreIsForgotten) {
  keep(loaded("/main.toml", {{"/d/a.toml", "a"}, {"/d/b.toml", "b"}}));
  keep(loaded("/other.toml", {{"/d/b.toml", "other"}}));
  keep(loaded("/main.toml", {}, {"/d/a.toml"}));
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), "a") << "refused";
  EXPECT_EQ(last_good_.text("/main.toml", "/d/b.toml"), std::nullopt) << "removed";
  EXPECT_EQ(last_good_.text("/other.toml", "/d/b.toml"), "other");
  EXPECT_EQ(kept_files().size(), 2u);
}

TEST_F(LastGoodStore, ARefusedMainFileChangesNothing) {
  keep(loaded("/main.toml", {{"/d/a.toml", "a"}}));
  Loaded refused = loaded("/main.toml", {});
  refused.configuration.reset();
  EXPECT_THAT(last_good_.keep(refused), IsEmpty());
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), "a");
}

TEST_F(LastGoodStore, PathsAreKnownHoweverTheyAreWritten) {
  keep(loaded("main.toml", {{"d/../d/a.toml", "a"}}));
  EXPECT_EQ(last_good_.text(fs::current_path() / "main.toml", fs::current_path() / "d/a.toml"), "a");
}

TEST_F(LastGoodStore, APathMayBeLongAndHoldAnything) {
  std::string path;
  for (int depth = 0; depth < 15; ++depth) {
    path += "/" + std::string(240, 'd');
  }
  const std::string odd = path + "/../ \n\"%s\xff.toml";
  keep(loaded("/main.toml", {{path + "/a.toml", "long"}, {odd, "odd"}, {"/x/a.toml", "short"}}));
  const LastGood next(state());
  EXPECT_EQ(next.text("/main.toml", path + "/a.toml"), "long");
  EXPECT_EQ(next.text("/main.toml", odd), "odd");
  EXPECT_EQ(next.text("/main.toml", "/x/a.toml"), "short");
  EXPECT_EQ(kept_files().size(), 3u);
}

TEST_F(LastGoodStore, AFileThatIsDamagedOrAnothersIsNotUsed) {
  keep(loaded("/main.toml", {{"/d/a.toml", "text of a"}}));
  const auto a = kept_files().at(0);
  fs::resize_file(a, fs::file_size(a) - 1);
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), std::nullopt) << "cut";
  for (const char* bytes : {"", "\n", "projectord last good version 1:", "projectord last good version 1:\n\n\n",
                            "projectord last good version 1: 1 1 99999999999999999999\na\nb\nc",
                            "projectord last good version 1: 10 9 99\n/main.toml\n/d/a.toml\ntext of a"}) {
    std::ofstream(a, std::ios::binary) << bytes;
    EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), std::nullopt) << bytes;
  }
  std::ofstream(a, std::ios::binary) << "projectord last good version 1: 10 9 9\n/main.toml\n/d/b.toml\ntext of b";
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), std::nullopt) << "of another path";
  EXPECT_THAT(last_good_.keep(loaded("/main.toml", {{"/d/a.toml", "text of a"}})), IsEmpty());
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), "text of a") << "written anew";
}

TEST_F(LastGoodStore, ADirectoryThatOthersMayWriteToIsNotTrusted) {
  keep(loaded("/main.toml", {{"/d/a.toml", "a"}}));
  fs::permissions(last_good_.directory(), fs::perms(0770));
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), std::nullopt);
  EXPECT_THAT(last_good_.keep(loaded("/main.toml", {{"/d/a.toml", "a"}})),
              ElementsAre(last_good_.directory().string() +
                          ": the last good versions of included files cannot be kept here: others may write to it; "
                          "after a restart of the host, what runs from a file that is refused then would not start; "
                          "see that the directory is this user's own, has mode 0700 and space, or set plugins.state"));
}

TEST_F(LastGoodStore, AnotherDirectoryBehindALinkIsNotTrusted) {
  fs::create_directories(state());
  fs::create_directory(temporary_.path() / "elsewhere");
  fs::create_directory_symlink(temporary_.path() / "elsewhere", last_good_.directory());
  EXPECT_THAT(last_good_.keep(loaded("/main.toml", {{"/d/a.toml", "a"}})),
              ElementsAre(HasSubstr("it is not a directory")));
  EXPECT_TRUE(fs::is_empty(temporary_.path() / "elsewhere"));
}

TEST_F(LastGoodStore, WhatCannotBeWrittenIsKeptInMemory) {
  fs::create_directories(state().parent_path());
  std::ofstream(state()) << "a file";
  EXPECT_THAT(last_good_.keep(loaded("/main.toml", {{"/d/a.toml", "a"}})), ElementsAre(HasSubstr("Not a directory")));
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), "a");
  EXPECT_EQ(LastGood(state()).text("/main.toml", "/d/a.toml"), std::nullopt);
  keep(loaded("/main.toml", {}, {"/d/a.toml"}));
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), "a") << "refused";
  fs::remove(state());
  EXPECT_THAT(last_good_.keep(loaded("/main.toml", {{"/d/a.toml", "a2"}})), IsEmpty());
  EXPECT_EQ(LastGood(state()).text("/main.toml", "/d/a.toml"), "a2");
  keep(loaded("/main.toml", {}));
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), std::nullopt) << "removed";
}

TEST_F(LastGoodStore, AFullDiskLeavesTheVersionBefore) {
  keep(loaded("/main.toml", {{"/d/a.toml", "before"}, {"/d/b.toml", "b"}}));
  {
    const FileSizeLimit limit(100);
    EXPECT_THAT(last_good_.keep(loaded("/main.toml", {{"/d/a.toml", std::string(200, 'x')}, {"/d/b.toml", "b2"}})),
                ElementsAre(HasSubstr("cannot be kept here: File too large; ")));
  }
  EXPECT_EQ(kept_files().size(), 2u) << "nothing unfinished is left";
  EXPECT_EQ(LastGood(state()).text("/main.toml", "/d/a.toml"), "before");
  EXPECT_EQ(last_good_.text("/main.toml", "/d/a.toml"), std::string(200, 'x'));
  EXPECT_EQ(last_good_.text("/main.toml", "/d/b.toml"), "b2");
}

TEST_F(LastGoodStore, WhatAKilledHostLeftUnfinishedIsRemovedAfterAnHour) {
  keep(loaded("/main.toml", {{"/d/a.toml", "a"}}));
  const auto old = last_good_.directory() / ".unfinished-abcdef";
  const auto young = last_good_.directory() / ".unfinished-ghijkl";
  std::ofstream(old) << "x";
  std::ofstream(young) << "x";
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_THAT(last_good_.keep(loaded("/main.toml", {{"/d/a.toml", "a"}})), IsEmpty());
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young)) << "another host may be writing it";
}

} // namespace
} // namespace projector::config::test
