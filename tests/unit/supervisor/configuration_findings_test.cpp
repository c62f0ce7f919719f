#include "supervisor/configuration_findings.hpp"

#include "support/temporary_directory.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace projector::supervisor {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FindingsTest : public testing::Test {
protected:
  FindingsTest() {
    fs::create_directory(path("plugins"));
    fs::create_directory(path("projections.d"));
    for (const char* directory : {"", "plugins", "projections.d"}) {
      fs::permissions(path(directory), fs::perms(0755));
    }
  }
  [[nodiscard]] fs::path path(const std::string& name) const { return temporary_.path() / name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    fs::permissions(path(name), fs::perms(0644));
  }
  void write_main(const std::string& include = "projections.d/*.toml", const std::string& plugins = "plugins") const {
    write("main.toml", "include = [\"" + include + "\"]\n[event_store]\ndsn = \"host=/nowhere\"\n[plugins]\n" +
                           "directories = [\"" + plugins +
                           "\"]\nautostart = []\ncache = \"cache\"\nstate = \"state\"\n");
  }
  [[nodiscard]] std::vector<std::string> findings(const Selection& selection = {}) const {
    const auto loaded = config::load(path("main.toml"), {});
    EXPECT_TRUE(loaded.configuration) << config::to_string(loaded.main_problems);
    return configuration_findings(loaded, selection, discover(loaded.configuration->plugins));
  }

  test::TemporaryDirectory temporary_;
};

TEST_F(FindingsTest, NothingIsFoundInWhatIsInOrder) {
  write_main();
  write("projections.d/revenue.toml", "[projection.revenue]\n");
  EXPECT_THAT(findings({.only = {"revenue"}, .except = {"revenue"}}), IsEmpty());
}

TEST_F(FindingsTest, PickedNamesThatNoProjectionHas) {
  write_main();
  write("projections.d/two.toml", "[projection.revenue]\n[projection.orders]\nenabled = false\n");
  write("projections.d/refused.toml", "[projection.refused]\nbatchsize = 1\n");
  EXPECT_THAT(findings({.only = {"revenu", "refused"}, .except = {"order", "orders"}}),
              ElementsAre("--only revenu: no projection has this name; there are: orders, refused, revenue",
                          "--except order: no projection has this name; there are: orders, refused, revenue"));
}

TEST_F(FindingsTest, DirectoriesAndIncludedFilesThatAreNotThere) {
  write_main("projections.d/revenue.toml", "plugin");
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("/plugin is not there: make it"),
                                      HasSubstr("projections.d/revenue.toml, which is not there: write the file")));
}

TEST_F(FindingsTest, FilesAndDirectoriesThatAnybodyMayChange) {
  write_main();
  write("projections.d/revenue.toml", "[projection.revenue]\n");
  fs::permissions(path("main.toml"), fs::perms(0666));
  fs::permissions(path("projections.d/revenue.toml"), fs::perms(0646));
  fs::permissions(path("projections.d"), fs::perms(01777));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("main.toml can be written by anybody (mode 0666)"),
                                      HasSubstr("revenue.toml can be written by anybody (mode 0646)"),
                                      HasSubstr("projections.d can be written by anybody (mode 1777)")));
}

TEST_F(FindingsTest, ADirectoryLikeTmpProtectsAFileThatIsNotFoundThroughAPattern) {
  write_main();
  fs::permissions(temporary_.path(), fs::perms(01777));
  EXPECT_THAT(findings(), IsEmpty());
  fs::permissions(temporary_.path(), fs::perms(0777));
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("can be written by anybody (mode 0777)")));
}

} // namespace
} // namespace projector::supervisor
