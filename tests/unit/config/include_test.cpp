#include "sources.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

namespace projector::config::test {
namespace {

using testing::ElementsAre;

class Include : public testing::Test {
protected:
  Include() { sources.environment("PROJECTORD_DSN", "dbname=app").main("include = [\"d/*.toml\"]\n"); }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& [name, projection] : sources.load().configuration.value_or(Configuration()).projections) {
      result.push_back(name);
    }
    return result;
  }
  /// The problems of the only refused file.
  std::vector<std::string> refused() const {
    const auto files = sources.load().refused;
    return files.size() == 1 ? sources.messages(files[0].problems)
                             : std::vector<std::string>{std::to_string(files.size()) + " files"};
  }

  Sources sources;
};

TEST_F(Include, NoMatchIsFine) {
  const Configuration configuration = sources.configuration();
  EXPECT_THAT(configuration.files, ElementsAre(sources.path("main.toml")));
  EXPECT_THAT(configuration.include_directories, ElementsAre(sources.path("d")));
}

TEST_F(Include, FilesAreReadSortedAndOnce) {
  sources.main("include = [\"d/b.toml\", \"./d/*.toml\", \"*/a.toml\", \"*.toml\", \"" +
               sources.path("x/*.toml").string() + "\"]\n");
  sources.file("d/b.toml", "[projection.b]\n").file("d/a.toml", "[projection.a]\n").file("d/c.conf", "no");
  sources.file("d/.hidden.toml", "no").file("x/c.toml", "[projection.c]\n");
  const Configuration configuration = sources.configuration();
  EXPECT_THAT(configuration.files, ElementsAre(sources.path("main.toml"), sources.path("d/b.toml"),
                                               sources.path("d/a.toml"), sources.path("x/c.toml")));
  EXPECT_THAT(names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(configuration.include_directories, testing::IsSupersetOf({sources.path("d"), sources.path("x")}));
}

TEST_F(Include, AFileWithErrorsIsRefusedAlone) {
  sources.file("d/bad.toml", "[projection.bad]\nbatch_size = 0\n\n[projection.worse]\n\n[log]\nlevel = \"info\"\n");
  sources.file("d/good.toml", "[projection.good]\n");
  const Loaded loaded = sources.load();
  EXPECT_THAT(loaded.main_problems, ElementsAre());
  EXPECT_THAT(names(), ElementsAre("good"));
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_EQ(loaded.refused[0].file, sources.path("d/bad.toml"));
  EXPECT_THAT(loaded.refused[0].projections, ElementsAre("bad", "worse"));
  EXPECT_THAT(
      sources.messages(loaded.refused[0].problems),
      ElementsAre("d/bad.toml:2:14: projection.bad.batch_size: found the integer 0, expected a whole number from 1 "
                  "to 100000",
                  "d/bad.toml:6:2: found the table \"log\"; an included file may contain only [projection.NAME] "
                  "tables: move it to main.toml"));
  EXPECT_THAT(loaded.configuration->files, testing::Contains(sources.path("d/bad.toml"))) << "it is watched";
}

TEST_F(Include, NamesAreReadFromAFileWithASyntaxError) {
  sources.file("d/bad.toml", "[projection.one] # first\n[ projection . two . settings ]\nx = \n[projection.\"three\"]\n"
                             "[projection.Four]\n[log]\n");
  const Loaded loaded = sources.load();
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_THAT(loaded.refused[0].projections, ElementsAre("one", "three", "two"));
  EXPECT_THAT(sources.messages(loaded.refused[0].problems),
              ElementsAre("d/bad.toml:3:5: Error while parsing key-value pair: expected value, saw '\\n'"));
  EXPECT_TRUE(loaded.configuration.has_value());
}

TEST_F(Include, WhatTheMainFileSaysAboutARefusedProjectionIsLeftOut) {
  sources.main("include = [\"d/*.toml\"]\n[projection.bad]\nbatch_size = 5\n[projection.main]\n");
  sources.file("d/bad.toml", "[projection.bad]\nplugin = 5\n").set("projection.bad.partitions=2");
  EXPECT_THAT(names(), ElementsAre("main"));
}

TEST_F(Include, ErrorsOfTheMainFileRefuseIt) {
  sources.main("include = [\"d/*.toml\"]\n[projection.good]\nbatch_size = 0\n");
  sources.file("d/good.toml", "[projection.good]\n");
  EXPECT_THAT(sources.main_problems(), ElementsAre("main.toml:3:14: projection.good.batch_size: found the integer 0, "
                                                   "expected a whole number from 1 to 100000"));
  EXPECT_TRUE(sources.load().refused.empty());
}

TEST_F(Include, ANameInTwoFilesNamesBoth) {
  sources.file("d/a.toml", "[projection.same]\n").file("d/b.toml", "\n[projection.same]\n");
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("d/b.toml:2:1: [projection.same] is in two included files, here and at "
                          "d/a.toml:1:1; remove or rename one of them"));
}

TEST_F(Include, OnlyTablesOfProjectionsMayStandInIt) {
  sources.file("d/a.toml", "include = [\"x\"]\nbatch_size = 5\nprojection.batch_size = 7\n");
  EXPECT_THAT(
      refused(),
      ElementsAre("d/a.toml:1:1: found the key \"include\"; an included file may contain only [projection.NAME] "
                  "tables: move it to main.toml",
                  "d/a.toml:2:1: found the key \"batch_size\"; an included file may contain only "
                  "[projection.NAME] tables: move it to main.toml",
                  "d/a.toml:3:12: unknown key \"batch_size\" in [projection]; batch_size belongs in [defaults] or "
                  "[projection.NAME]"));
  sources.file("d/a.toml", "projection = \"a\"\n");
  EXPECT_THAT(refused(), ElementsAre("d/a.toml:1:14: projection: found a string, expected tables [projection.NAME]"));
  sources.file("d/a.toml", "[projection.A]\n");
  EXPECT_THAT(refused(),
              ElementsAre("d/a.toml:1:13: the projection's name is \"A\", expected a lower-case letter and then "
                          "at most 47 of a-z, 0-9 and _"));
}

TEST_F(Include, AClashWithTheMainFileRefusesTheIncludedOne) {
  sources.main("include = [\"d/*.toml\"]\n[projection.main]\n");
  sources.file("d/a.toml", "[projection.a]\ncheckpoint = \"main\"\n");
  EXPECT_THAT(refused(),
              ElementsAre("d/a.toml:2:14: the projections a and main (main.toml:2:1) have the same checkpoint, "
                          "\"main\"; give one of them another checkpoint"));
  EXPECT_THAT(names(), ElementsAre("main"));
}

TEST_F(Include, ALongBackoffIsToldWhereItStands) {
  sources.main("include = [\"d/*.toml\"]\n[defaults]\nretry_backoff_max = \"1s\"\n");
  sources.file("d/a.toml", "[projection.a]\nretry_backoff = \"2s\"\n");
  EXPECT_THAT(refused(), ElementsAre("d/a.toml:2:17: projection.a.retry_backoff is 2s, longer than retry_backoff_max, "
                                     "which is 1s; lower the one or raise the other"));
}

TEST_F(Include, WhatIsNoFileIsRefused) {
  std::filesystem::create_directories(sources.path("d/directory.toml"));
  EXPECT_THAT(refused(), ElementsAre("d/directory.toml: is not a regular file"));
  std::filesystem::remove(sources.path("d/directory.toml"));
  ASSERT_EQ(::mkfifo(sources.path("d/fifo.toml").c_str(), 0600), 0);
  EXPECT_THAT(refused(), ElementsAre("d/fifo.toml: is not a regular file"));
  std::filesystem::remove(sources.path("d/fifo.toml"));
  std::filesystem::create_symlink("nowhere", sources.path("d/link.toml"));
  EXPECT_THAT(refused(), ElementsAre("d/link.toml: cannot be read: No such file or directory"));
}

TEST_F(Include, ALargeFileIsRefused) {
  sources.file("d/a.toml", std::string(1 << 20, '\n'));
  EXPECT_TRUE(sources.load().refused.empty());
  sources.file("d/a.toml", std::string((1 << 20) + 1, '\n'));
  EXPECT_THAT(refused(), ElementsAre("d/a.toml: is larger than 1 MiB, the most that a configuration file may be"));
}

TEST_F(Include, DeepNestingIsRefused) {
  std::string key = "a";
  for (int i = 0; i < 501; ++i) {
    key += ".a";
  }
  sources.file("d/a.toml", "[projection.a.settings]\n" + key + " = 1\n");
  EXPECT_THAT(refused(), ElementsAre("d/a.toml: found more than 500 dots in one key or value, expected fewer"));
}

TEST_F(Include, FilesAreNamedFromTheMainFilesDirectory) {
  sources.file("d/a.toml", "[projection.a]\n");
  const Loaded loaded = load(sources.path("d/../main.toml"), sources.overrides);
  ASSERT_TRUE(loaded.configuration.has_value());
  EXPECT_EQ(loaded.configuration->files.at(0), sources.path("d/../main.toml"));
  EXPECT_EQ(loaded.configuration->files.at(1), sources.path("d/a.toml"));
}

TEST(MainFile, MissingIsAProblemBesideThoseOfOptions) {
  Sources sources;
  EXPECT_THAT(sources.main_problems(), ElementsAre("main.toml: cannot be read: No such file or directory"));
  sources.set("log.level=loud").environment("WORKER_ID", "x");
  EXPECT_THAT(
      sources.main_problems(),
      ElementsAre("main.toml: cannot be read: No such file or directory",
                  "WORKER_ID: worker.id: found the string \"x\", expected a number from 0 to 1023, or a name that "
                  "ends in one, such as \"projection-worker-3\"",
                  "--set: log.level: found the string \"loud\", expected one of \"trace\", \"debug\", \"info\", "
                  "\"warn\", \"error\", \"off\""));
  EXPECT_FALSE(sources.load().configuration.has_value());
}

TEST(MainFile, ADirectoryIsNoFile) {
  Sources sources;
  EXPECT_THAT(sources.messages(load(sources.path("."), sources.overrides).main_problems),
              ElementsAre(".: is not a regular file"));
}

} // namespace
} // namespace projector::config::test
