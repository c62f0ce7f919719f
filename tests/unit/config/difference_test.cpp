#include "config/difference.hpp"

#include "sources.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using testing::ElementsAre;

Configuration loaded(const std::string& main, const std::vector<std::string>& options = {}) {
  Sources sources;
  sources.environment("PROJECTORD_DSN", "dbname=app password=hunter2").main(main).overrides.set = options;
  return sources.configuration();
}

TEST(Difference, PlaceAndSpellingMakeNone) {
  const Configuration a = loaded("[projection.a]\nretry_backoff = \"1s\"\nsettings.x = 1\nsettings.y = 2\n");
  const Configuration b =
      loaded("# moved\n\n[projection.a.settings]\ny = 2\nx = 0x1\n[projection.a]\nretry_backoff = \"1000ms\"\n");
  EXPECT_TRUE(difference(a, b).empty());
  EXPECT_TRUE(difference(a, a).empty());
}

TEST(Difference, ProjectionsAreNamed) {
  const Configuration a = loaded("[projection.same]\n[projection.gone]\n[projection.other]\n[projection.old]\n");
  const Configuration b = loaded(
      "[projection.same]\n[projection.other]\nbatch_size = 7\n[projection.new]\n[projection.old]\nsettings.x = 1\n");
  const Difference result = difference(a, b);
  EXPECT_THAT(result.added, ElementsAre("new"));
  EXPECT_THAT(result.removed, ElementsAre("gone"));
  EXPECT_THAT(result.changed, ElementsAre("old", "other"));
  EXPECT_TRUE(result.restart.empty());
  EXPECT_TRUE(result.live.empty());
  EXPECT_FALSE(result.defaults);
  EXPECT_FALSE(result.empty());
}

TEST(Difference, DefaultsChangeWhatTheyReach) {
  const Configuration a = loaded("[projection.a]\n[projection.b]\nbatch_size = 5\n");
  const Configuration b = loaded("[defaults]\nbatch_size = 9\n[projection.a]\n[projection.b]\nbatch_size = 5\n");
  const Difference result = difference(a, b);
  EXPECT_TRUE(result.defaults);
  EXPECT_THAT(result.changed, ElementsAre("a"));
}

struct HostCase {
  const char* name;
  const char* option;
  std::vector<std::string> restart;
  std::vector<std::string> live;
};

class HostDifference : public testing::TestWithParam<HostCase> {};

TEST_P(HostDifference, NamesTheKey) {
  const Difference result = difference(loaded(""), loaded("", {GetParam().option}));
  EXPECT_EQ(result.restart, GetParam().restart);
  EXPECT_EQ(result.live, GetParam().live);
  EXPECT_FALSE(result.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Keys, HostDifference,
    testing::Values(
        HostCase{"StoreDsn", "event_store.dsn=dbname=b", {"event_store.dsn"}, {}},
        HostCase{"EventsTable", "event_store.events_table=e", {"event_store.events_table"}, {}},
        HostCase{"PollInterval", "event_store.poll_interval=2s", {"event_store.poll_interval"}, {}},
        HostCase{"NotifyChannel", "event_store.notify_channel=n", {"event_store.notify_channel"}, {}},
        HostCase{"ReadModelDsn", "read_model.dsn=dbname=b", {"read_model.dsn"}, {}},
        HostCase{"Checkpoints", "read_model.checkpoints_table=c", {"read_model.checkpoints_table"}, {}},
        HostCase{"PoolSize", "read_model.pool_size=9", {"read_model.pool_size"}, {}},
        HostCase{"PoolMax", "read_model.pool_max=33", {"read_model.pool_max"}, {}},
        HostCase{"Prepared", "read_model.prepared_statements=false", {"read_model.prepared_statements"}, {}},
        HostCase{"SynchronousCommit", "read_model.synchronous_commit=on", {"read_model.synchronous_commit"}, {}},
        HostCase{"Cache", "plugins.cache=/c", {"plugins.cache"}, {}},
        HostCase{"State", "plugins.state=/s", {"plugins.state"}, {}},
        HostCase{"Memory", "feed.memory=1GiB", {"feed.memory"}, {}},
        HostCase{"Autostart", "plugins.autostart=[]", {}, {"plugins.autostart"}},
        HostCase{
            "Directories", "plugins.directories=[\"/usr/local/lib/projectord/plugins\"]", {}, {"plugins.directories"}},
        HostCase{"LogLevel", "log.level=debug", {}, {"log.level"}}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Difference, OfTheWorkerNamesWhatChanged) {
  const std::vector<std::string> first{"worker.id=0", "worker.total=2"};
  const auto restart = [&](const std::vector<std::string>& options) {
    return difference(loaded("", first), loaded("", options)).restart;
  };
  EXPECT_THAT(restart(first), ElementsAre());
  EXPECT_THAT(restart({"worker.id=1", "worker.total=2"}), ElementsAre("worker.id"));
  EXPECT_THAT(restart({"worker.id=0", "worker.total=4"}), ElementsAre("worker.total"));
  EXPECT_THAT(restart({}), ElementsAre("worker.id", "worker.total"));
}

TEST(Autostarted, HasTheDefaultsUnderItsOwnName) {
  const Configuration configuration = loaded("[defaults]\nbatch_size = 9\nrebuild = \"automatic\"\n");
  Projection expected;
  expected.name = expected.plugin = expected.checkpoint = "revenue";
  expected.batch_size = 9;
  expected.rebuild = Rebuild::Automatic;
  EXPECT_EQ(autostarted(configuration, "revenue"), expected);
}

TEST(Problem, ShowsThePartsThatAreKnown) {
  EXPECT_EQ(to_string(Problem{{"a.toml", 3, 7}, "text"}), "a.toml:3:7: text");
  EXPECT_EQ(to_string(Problem{{"WORKER_ID", 0, 0}, "text"}), "WORKER_ID: text");
  EXPECT_EQ(to_string(Problem{{}, "text"}), "text");
}

} // namespace
} // namespace projector::config::test
