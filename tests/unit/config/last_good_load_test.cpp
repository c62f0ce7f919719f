#include "config/last_good.hpp"

#include "sources.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace projector::config::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// One start of a host: it loads its configuration and stores the good files.
class LastGoodLoad : public testing::Test {
protected:
  LastGoodLoad() { sources.environment("PROJECTORD_DSN", "dbname=app").main("include = [\"d/*.toml\"]\n"); }

  Loaded load() {
    Loaded loaded = peek();
    EXPECT_THAT(last_good.keep(loaded), IsEmpty());
    return loaded;
  }
  Loaded peek() const { return config::load(sources.path("main.toml"), sources.overrides, &last_good); }
  static std::vector<std::string> names(const Loaded& loaded) {
    std::vector<std::string> result;
    for (const auto& [name, projection] : loaded.configuration.value_or(Configuration()).projections) {
      result.push_back(fmt::format("{} {}", name, projection.batch_size));
    }
    return result;
  }
  /// Each as "FILE: NAMES: PROBLEMS", with " stays in use" after FILE if its last good version does.
  std::vector<std::string> refused(const Loaded& loaded) const {
    std::vector<std::string> result;
    for (const RefusedFile& file : loaded.refused) {
      result.push_back(fmt::format("{}{}: {}: {}", file.file.filename().string(), file.last_good ? " stays in use" : "",
                                   fmt::join(file.projections, " "), fmt::join(sources.messages(file.problems), "; ")));
    }
    return result;
  }
  std::vector<std::string> good(const Loaded& loaded) const {
    std::vector<std::string> result;
    for (const auto& [path, text] : loaded.good_files) {
      result.push_back(path.filename().string());
    }
    return result;
  }

  Sources sources;
  LastGood last_good{sources.path("state")};
};

TEST_F(LastGoodLoad, ARefusedFilesLastGoodVersionStands) {
  sources.file("d/a.toml", "[projection.a]\nbatch_size = 5\n[projection.a.settings]\nx = 1\n");
  sources.file("d/b.toml", "[projection.b]\n");
  EXPECT_THAT(good(load()), ElementsAre("a.toml", "b.toml"));
  sources.file("d/a.toml", "[projection.a]\nbatch_size = 0\n").file("d/b.toml", "[projection.b]\nbatch_size = 7\n");
  for (int host = 0; host < 2; ++host) {
    const Loaded loaded = load();
    EXPECT_THAT(loaded.main_problems, IsEmpty());
    EXPECT_THAT(names(loaded), ElementsAre("a 5", "b 7"));
    EXPECT_THAT(refused(loaded),
                ElementsAre("a.toml stays in use: a: d/a.toml:2:14: projection.a.batch_size: found the "
                            "integer 0, expected a whole number from 1 to 100000"));
    EXPECT_THAT(good(loaded), ElementsAre("b.toml"));
    EXPECT_EQ(last_good_source(loaded, "a"), &loaded.refused.at(0));
    EXPECT_EQ(last_good_source(loaded, "b"), nullptr);
    EXPECT_EQ(to_string(loaded.configuration->projections.at("a").settings.at(0).where),
              sources.path("d/a.toml").string() + " (last good version):4:5");
    last_good = LastGood(sources.path("state"));
  }
  sources.file("d/a.toml", "[projection.a]\nbatch_size = 6\n");
  const Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("a 6", "b 7"));
  EXPECT_THAT(refused(loaded), IsEmpty());
}

TEST_F(LastGoodLoad, WithoutOneTheFileIsRefused) {
  sources.file("d/a.toml", "[projection.a]\nbatch_size = 0\n").file("d/b.toml", "[projection.b]\n");
  const Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("b 100"));
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_FALSE(loaded.refused[0].last_good);
  EXPECT_THAT(loaded.refused[0].projections, ElementsAre("a"));
  EXPECT_EQ(last_good_source(loaded, "a"), nullptr);
}

TEST_F(LastGoodLoad, ItIsNotUsedWhereNobodyAsksForIt) {
  sources.file("d/a.toml", "[projection.a]\n");
  load();
  sources.file("d/a.toml", "[projection.a\n");
  const Loaded loaded = sources.load();
  EXPECT_THAT(names(loaded), IsEmpty());
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_FALSE(loaded.refused[0].last_good);
}

TEST_F(LastGoodLoad, AFileThatCannotBeReadRunsOn) {
  sources.file("d/a.toml", "[projection.a]\n");
  load();
  fs::remove(sources.path("d/a.toml"));
  fs::create_symlink("nowhere", sources.path("d/a.toml"));
  const Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("a 100"));
  EXPECT_THAT(refused(loaded),
              ElementsAre("a.toml stays in use: a: d/a.toml: cannot be read: No such file or directory"));
}

TEST_F(LastGoodLoad, AFileThatIsRemovedIsRemoved) {
  sources.file("d/a.toml", "[projection.a]\n").file("d/b.toml", "[projection.b]\n");
  load();
  fs::remove(sources.path("d/a.toml"));
  EXPECT_THAT(names(load()), ElementsAre("b 100"));
  sources.file("d/a.toml", "[projection.a\n");
  EXPECT_THAT(names(load()), ElementsAre("b 100")) << "what it was before is forgotten";
}

TEST_F(LastGoodLoad, WhatOnlyTheRefusedVersionNamesIsRefused) {
  sources.main("include = [\"d/*.toml\"]\n[projection.new]\nbatch_size = 3\n[projection.a]\nbatch_size = 4\n");
  sources.file("d/a.toml", "[projection.a]\n[projection.gone]\n");
  load();
  sources.file("d/a.toml", "[projection.a]\n[projection.new]\nbatch_size = 0\n");
  const Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("a 4", "gone 100"));
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_TRUE(loaded.refused[0].last_good);
  EXPECT_THAT(loaded.refused[0].projections, ElementsAre("a", "gone", "new"));
  EXPECT_EQ(last_good_source(loaded, "new"), nullptr);
}

TEST_F(LastGoodLoad, ABrokenFileThatNamesAnothersProjectionDoesNotStopIt) {
  sources.file("d/a.toml", "[projection.a]\n");
  load();
  sources.file("d/b.toml", "[projection.a]\nx =\n");
  const Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("a 100"));
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_THAT(loaded.refused[0].projections, IsEmpty());
}

TEST_F(LastGoodLoad, ItIsNotUsedWhereAnotherFileHasItsProjectionNow) {
  sources.file("d/a.toml", "[projection.one]\n[projection.two]\n");
  load();
  sources.file("d/a.toml", "[projection.two]\nbatch_size = 0\n").file("d/b.toml", "[projection.one]\nbatch_size = 9\n");
  Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("one 9")) << "moved to the other file";
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_FALSE(loaded.refused[0].last_good);
  EXPECT_THAT(loaded.refused[0].projections, ElementsAre("two"));
}

TEST_F(LastGoodLoad, AnInterplayIsTheFaultOfTheFileThatChanged) {
  sources.file("d/a.toml", "[projection.a]\ncheckpoint = \"x\"\n");
  load();
  sources.file("d/b.toml", "[projection.x]\n");
  const std::string problem =
      "b.toml: x: d/b.toml:1:1: the projections x and a (d/a.toml:2:14) have the same checkpoint, "
      "\"x\"; give one of them another checkpoint";
  Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("a 100"));
  EXPECT_THAT(refused(loaded), ElementsAre(problem));
  EXPECT_THAT(good(loaded), ElementsAre("a.toml"));
  loaded = sources.load();
  EXPECT_EQ(loaded.refused.at(0).file.filename(), "a.toml") << "else the side that chose the name is at fault";
}

TEST_F(LastGoodLoad, ANewFileDoesNotMakeTheMainFileWrong) {
  sources.main("include = [\"d/*.toml\"]\n[projection.m]\ncheckpoint = \"x\"\n");
  sources.file("d/a.toml", "[projection.a]\n");
  load();
  sources.file("d/b.toml", "[projection.x]\n").file("d/c.toml", "[projection.a]\nbatch_size = 1\n");
  const Loaded loaded = load();
  EXPECT_THAT(loaded.main_problems, IsEmpty());
  EXPECT_THAT(names(loaded), ElementsAre("a 100", "m 100"));
  EXPECT_THAT(refused(loaded),
              ElementsAre("b.toml: x: d/b.toml:1:1: the projections x and m (main.toml:3:14) have the same checkpoint, "
                          "\"x\"; give one of them another checkpoint",
                          "c.toml: : d/c.toml:1:1: [projection.a] is in two included files, here and at "
                          "d/a.toml:1:1; remove or rename one of them"));
}

TEST_F(LastGoodLoad, TheSecondOfTwoFilesWithOneNameMayBeTheGoodOne) {
  sources.file("d/b.toml", "[projection.same]\nbatch_size = 2\n");
  load();
  sources.file("d/a.toml", "[projection.same]\nbatch_size = 1\n");
  EXPECT_THAT(names(load()), ElementsAre("same 2"));
  EXPECT_THAT(refused(peek()), ElementsAre("a.toml: : d/a.toml:1:1: [projection.same] is in two included files, here "
                                           "and at d/b.toml:1:1; remove or rename one of them"));
}

TEST_F(LastGoodLoad, TwoNewFilesWithOneNameAreTheMainFilesProblem) {
  sources.file("d/a.toml", "[projection.same]\n").file("d/b.toml", "[projection.same]\n");
  EXPECT_THAT(sources.messages(load().main_problems),
              ElementsAre("d/b.toml:1:1: [projection.same] is in two included files, here and at d/a.toml:1:1; remove "
                          "or rename one of them"));
  EXPECT_FALSE(fs::exists(last_good.directory()));
}

TEST_F(LastGoodLoad, AFileThatClashesWithARefusedVersionIsFineBesideTheLastGoodOne) {
  sources.file("d/a.toml", "[projection.a]\n").file("d/b.toml", "[projection.b]\n");
  load();
  // "y" is in both files and would be reported for b, but only if a's new version counted, which has an error of its
  // own.
  sources.file("d/a.toml", "[projection.a]\ncheckpoint = \"y\"\nbatch_size = 0\n");
  sources.file("d/b.toml", "[projection.b]\nbatch_size = 8\ncheckpoint = \"y\"\n");
  const Loaded loaded = load();
  EXPECT_THAT(names(loaded), ElementsAre("a 100", "b 8"));
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_EQ(loaded.refused[0].file.filename(), "a.toml");
  EXPECT_THAT(good(loaded), ElementsAre("b.toml"));
}

TEST_F(LastGoodLoad, WhatClashesWithALastGoodVersionFallsBackToo) {
  sources.file("d/a.toml", "[projection.a]\ncheckpoint = \"one\"\n");
  sources.file("d/b.toml", "[projection.b]\ncheckpoint = \"two\"\n");
  load();
  sources.file("d/a.toml", "[projection.a]\ncheckpoint = \"two\"\nbatch_size = 0\n");
  sources.file("d/b.toml", "[projection.b]\ncheckpoint = \"one\"\nbatch_size = 0\n");
  const Loaded loaded = load();
  ASSERT_EQ(loaded.refused.size(), 2u);
  EXPECT_TRUE(loaded.refused[0].last_good && loaded.refused[1].last_good);
  EXPECT_EQ(loaded.configuration->projections.at("a").checkpoint, "one");
  EXPECT_EQ(loaded.configuration->projections.at("b").checkpoint, "two");
}

TEST_F(LastGoodLoad, AsManyAsPossibleRunOn) {
  for (int file = 0; file < 20; ++file) {
    sources.file(fmt::format("d/f{:02}.toml", file),
                 fmt::format("[projection.p{:02}]\n[projection.q{:02}]\n", file, file));
  }
  load();
  std::vector<std::string> expected;
  for (int file = 0; file < 20; ++file) {
    sources.file(fmt::format("d/f{:02}.toml", file), "[projection.bad]\nbatch_size = 0\n[projection.bad]\n");
    if (file != 3 && file != 17) {
      expected.push_back(fmt::format("p{:02} 100", file));
    }
  }
  sources.file("d/z.toml", "[projection.q03]\n[projection.q17]\n");
  for (int file = 0; file < 20; ++file) {
    expected.push_back(fmt::format("q{:02} 100", file));
  }
  EXPECT_THAT(names(load()), testing::ElementsAreArray(expected));
}

TEST_F(LastGoodLoad, ALimitInTheMainFileRefusesTheLastGoodVersionToo) {
  sources.file("d/a.toml", "[projection.a]\nretry_backoff = \"2s\"\n");
  load();
  sources.main("include = [\"d/*.toml\"]\n[defaults]\nretry_backoff_max = \"1s\"\n");
  const Loaded loaded = load();
  EXPECT_THAT(names(loaded), IsEmpty());
  ASSERT_EQ(loaded.refused.size(), 1u);
  EXPECT_FALSE(loaded.refused[0].last_good);
  sources.main("include = [\"d/*.toml\"]\n");
  EXPECT_THAT(names(load()), ElementsAre("a 100"));
}

TEST_F(LastGoodLoad, WhatALoadLooksAtIsKnownAlsoWhereItIsRefused) {
  sources.environment("STATE_DIRECTORY", "/var/lib/somewhere");
  sources.main("include = [\"d/*.toml\", \"e/x.toml\", 5]\n").file("d/a.toml", "[projection.a\n");
  const Loaded loaded = load();
  EXPECT_FALSE(loaded.configuration.has_value());
  EXPECT_EQ(loaded.state, "/var/lib/somewhere");
  EXPECT_EQ(loaded.sources.main_file, sources.path("main.toml"));
  EXPECT_THAT(loaded.sources.patterns, ElementsAre("d/*.toml", "e/x.toml"));
  EXPECT_THAT(loaded.sources.files, ElementsAre(sources.path("d/a.toml")));
  EXPECT_THAT(loaded.sources.directories, ElementsAre(sources.path("d"), sources.path("e")));
}

} // namespace
} // namespace projector::config::test
