#include "sources.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace projector::config::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class Options : public testing::Test {
protected:
  Options() { sources.main("[event_store]\ndsn = \"dbname=app\"\npoll_interval = \"1s\"\n"); }
  Sources sources;
};

TEST_F(Options, ValuesAreTomlOrElseText) {
  const Configuration configuration = sources.set("event_store.poll_interval=2s")
                                          .set("log.level=debug")
                                          .set("read_model.pool_size=5")
                                          .set("read_model.prepared_statements=false")
                                          .set("event_store.notify_channel=\"wake\"")
                                          .set("plugins.directories=[\"/opt/a\", \"/opt/b\"]")
                                          .configuration();
  EXPECT_EQ(configuration.event_store.poll_interval, 2s);
  EXPECT_EQ(configuration.log_level, "debug");
  EXPECT_EQ(configuration.read_model.pool_size, 5u);
  EXPECT_FALSE(configuration.read_model.prepared_statements);
  EXPECT_EQ(configuration.event_store.notify_channel, "wake");
  EXPECT_THAT(configuration.plugins.directories, ElementsAre("/opt/a", "/opt/b"));
}

TEST_F(Options, SettingsKeepTheirTypes) {
  const Configuration configuration = sources.set("projection.a.settings.text=EUR and more")
                                          .set("projection.a.settings.whole=5")
                                          .set("projection.a.settings.zip=007")
                                          .set("projection.a.settings.nested.key=true")
                                          .set("projection.a.settings.list=[\"x\", \"y\"]")
                                          .set("projection.a.settings.hash=1 # 2")
                                          .set("projection.a.settings.pair=1, 2")
                                          .set("projection.a.settings.lines=1]\nother = [2")
                                          .set("projection.a.settings.empty=")
                                          .configuration();
  using Type = Setting::Type;
  const std::vector<Setting> expected{{"empty", Type::String, {""}, "", {}},
                                      {"hash", Type::String, {"1 # 2"}, "", {}},
                                      {"lines", Type::String, {"1]\nother = [2"}, "", {}},
                                      {"list", Type::StringArray, {"x", "y"}, "", {}},
                                      {"nested.key", Type::Boolean, {"true"}, "", {}},
                                      {"pair", Type::String, {"1, 2"}, "", {}},
                                      {"text", Type::String, {"EUR and more"}, "", {}},
                                      {"whole", Type::Integer, {"5"}, "", {}},
                                      {"zip", Type::String, {"007"}, "", {}}};
  EXPECT_EQ(configuration.projections.at("a").settings, expected);
  EXPECT_EQ(configuration.projections.at("a").settings[0].where, (Location{"--set", 0, 0}));
}

struct OptionCase {
  const char* name;
  const char* option;
  const char* problem;
};

class OptionProblems : public testing::TestWithParam<OptionCase> {};

TEST_P(OptionProblems, AreTold) {
  Sources sources;
  sources.main("[event_store]\ndsn = \"dbname=app\"\n").set(GetParam().option);
  EXPECT_THAT(sources.main_problems(), ElementsAre(std::string("--set: ") + GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    Set, OptionProblems,
    testing::Values(
        OptionCase{"NoEquals", "log.level",
                   "found \"log.level\" without \"=\", expected SECTION.KEY=VALUE, such as log.level=debug"},
        OptionCase{"Nothing", "", "found \"\" without \"=\", expected SECTION.KEY=VALUE, such as log.level=debug"},
        OptionCase{"NoSection", "level=debug",
                   "found the key \"level\", expected SECTION.KEY=VALUE, such as log.level=debug"},
        OptionCase{"NoKey", "log.=debug",
                   "found the key \"log.\", expected SECTION.KEY=VALUE, such as log.level=debug"},
        OptionCase{"EmptySection", ".level=debug",
                   "found the key \".level\", expected SECTION.KEY=VALUE, such as log.level=debug"},
        OptionCase{"UnknownKey", "log.levle=debug", "unknown key \"levle\" in [log]; did you mean \"level\"?"},
        OptionCase{"UnknownTable", "lgo.level=debug", "unknown table \"lgo\"; did you mean [log]?"},
        OptionCase{"BareDuration", "event_store.poll_interval=5",
                   "event_store.poll_interval: found the integer 5, expected a duration from 1ms to 1h with its unit; "
                   "write \"5ms\" or \"5s\""},
        OptionCase{"Include", "include.x=1", "include can be given in the main file only"},
        OptionCase{
            "ProjectionName", "projection.A.batch_size=1",
            "the projection's name is \"A\", expected a lower-case letter and then at most 47 of a-z, 0-9 and _"},
        OptionCase{
            "ProjectionWithoutAName", "projection.batch_size=1",
            "unknown key \"batch_size\" in [projection]; batch_size belongs in [defaults] or [projection.NAME]"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(Options, PluginDirectoriesComeFirstAndStartThemselves) {
  sources.main("[event_store]\ndsn = \"dbname=app\"\n[plugins]\ndirectories = [\"/opt/a\", \"/opt/b/\", \"/opt/a\"]\n"
               "autostart = [\"/opt/b\"]\n");
  sources.overrides.plugin_directories = {"/tmp/x/", "/opt/b"};
  const Plugins plugins = sources.configuration().plugins;
  EXPECT_THAT(plugins.directories, ElementsAre("/tmp/x", "/opt/b", "/opt/a"));
  EXPECT_THAT(plugins.autostart, ElementsAre("/tmp/x", "/opt/b"));
}

TEST_F(Options, RelativePathsOfOptionsStartAtTheWorkingDirectory) {
  sources.overrides.plugin_directories = {"build/plugins"};
  sources.set("plugins.state=state");
  const Plugins plugins = sources.configuration().plugins;
  EXPECT_EQ(plugins.directories.at(0), std::filesystem::current_path() / "build/plugins");
  EXPECT_EQ(plugins.state, std::filesystem::current_path() / "state");
}

TEST_F(Options, AnEmptyPluginDirectoryIsRefused) {
  sources.overrides.plugin_directories = {""};
  EXPECT_THAT(sources.main_problems(), ElementsAre("--plugin-dir: found an empty path, expected a directory"));
}

TEST(Paths, OfTheMainFileStartAtItsDirectory) {
  Sources sources;
  sources.main("[event_store]\ndsn = \"dbname=app\"\n[plugins]\ndirectories = [\"plugins\", \"../shared\"]\n"
               "autostart = [\"plugins/\"]\ncache = \"cache\"\nstate = \"/var/lib/p/\"\n");
  const Plugins plugins = sources.configuration().plugins;
  EXPECT_THAT(plugins.directories,
              ElementsAre(sources.path("plugins"), sources.path("").parent_path().parent_path() / "shared"));
  EXPECT_THAT(plugins.autostart, ElementsAre(sources.path("plugins")));
  EXPECT_EQ(plugins.cache, sources.path("cache"));
  EXPECT_EQ(plugins.state, "/var/lib/p");
}

TEST(Paths, BuiltInAutostartNeedsItsDirectory) {
  const std::string dsn = "[event_store]\ndsn = \"dbname=app\"\n[plugins]\n";
  EXPECT_THAT(Sources().main(dsn).configuration().plugins.autostart, ElementsAre("/usr/local/lib/projectord/plugins"));
  EXPECT_THAT(Sources().main(dsn + "autostart = []").configuration().plugins.autostart, ElementsAre());
  EXPECT_THAT(Sources().main(dsn + "directories = [\"/opt\"]").configuration().plugins.autostart, ElementsAre());
}

struct DirectoryCase {
  const char* name;
  std::map<std::string, std::string> environment;
  const char* cache;
  const char* state;
};

class EnvironmentDirectories : public testing::TestWithParam<DirectoryCase> {};

TEST_P(EnvironmentDirectories, ComeFromTheEnvironment) {
  Sources sources;
  sources.main("[event_store]\ndsn = \"dbname=app\"\n").overrides.environment = GetParam().environment;
  const Plugins plugins = sources.configuration().plugins;
  EXPECT_EQ(plugins.cache, GetParam().cache);
  EXPECT_EQ(plugins.state, GetParam().state);
}

INSTANTIATE_TEST_SUITE_P(
    Layers, EnvironmentDirectories,
    testing::Values(
        DirectoryCase{"Home", {{"HOME", "/home/a"}}, "/home/a/.cache/projectord", "/home/a/.local/state/projectord"},
        DirectoryCase{"XdgOverHome",
                      {{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "/c/"}, {"XDG_STATE_HOME", "/s"}},
                      "/c/projectord",
                      "/s/projectord"},
        DirectoryCase{"RelativeXdgIsIgnored",
                      {{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "c"}, {"XDG_STATE_HOME", ""}},
                      "/home/a/.cache/projectord",
                      "/home/a/.local/state/projectord"},
        DirectoryCase{"SystemdOverXdg",
                      {{"XDG_CACHE_HOME", "/c"},
                       {"XDG_STATE_HOME", "/s"},
                       {"CACHE_DIRECTORY", "/var/cache/projectord"},
                       {"STATE_DIRECTORY", "/var/lib/projectord:/var/lib/other"}},
                      "/var/cache/projectord",
                      "/var/lib/projectord"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Directories, NoneFromAnywhereSaysTheWays) {
  Sources sources;
  sources.main("[event_store]\ndsn = \"dbname=app\"\n").overrides.environment.clear();
  EXPECT_THAT(sources.main_problems(),
              ElementsAre("main.toml: plugins.cache is not set, and no environment variable replaces it; set it, or "
                          "CACHE_DIRECTORY, XDG_CACHE_HOME or HOME to an absolute path",
                          "main.toml: plugins.state is not set, and no environment variable replaces it; set it, or "
                          "STATE_DIRECTORY, XDG_STATE_HOME or HOME to an absolute path"));
  sources.set("plugins.cache=/c").set("plugins.state=/s");
  EXPECT_EQ(sources.configuration().plugins.cache, "/c");
}

TEST(Directories, NoneForPluginsIsAWarning) {
  Sources sources;
  sources.main("[event_store]\ndsn = \"dbname=app\"\n[plugins]\ndirectories = []\n");
  EXPECT_THAT(sources.messages(sources.load().warnings),
              ElementsAre("main.toml:4:15: plugins.directories is empty, so no plugin can be found; add a directory or "
                          "give --plugin-dir"));
}

TEST(Environment, IsThatOfTheProcess) {
  ASSERT_EQ(::setenv("PROJECTOR_CONFIG_TEST", "a=b", 1), 0);
  EXPECT_EQ(process_environment().at("PROJECTOR_CONFIG_TEST"), "a=b");
  ASSERT_EQ(::unsetenv("PROJECTOR_CONFIG_TEST"), 0);
  EXPECT_EQ(process_environment().count("PROJECTOR_CONFIG_TEST"), 0u);
}

} // namespace
} // namespace projector::config::test
