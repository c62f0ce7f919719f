#include "config/restart_keys.hpp"

#include "sources.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Configuration loaded(const std::string& main, const std::vector<std::string>& options = {}) {
  Sources sources;
  sources.environment("PROJECTORD_DSN", "dbname=app password=hunter2").main(main).overrides.set = options;
  return sources.configuration();
}

TEST(RestartKeys, PlaceAndSpellingOfAValueAreNotCompared) {
  const Configuration a = loaded("[event_store]\npoll_interval = \"1s\"\n[feed]\nmemory = \"1GiB\"\n");
  const Configuration b =
      loaded("# moved\n\n[feed]\nmemory = \"1024MiB\"\n[event_store]\npoll_interval = \"1000ms\"\n");
  EXPECT_THAT(restart_keys(a, b), IsEmpty());
}

struct ChangedKey {
  const char* name;
  const char* option;
  std::vector<std::string> restart;
};

class ChangedKeys : public testing::TestWithParam<ChangedKey> {};

TEST_P(ChangedKeys, AreNamedWhereTheyNeedARestart) {
  EXPECT_EQ(restart_keys(loaded(""), loaded("", {GetParam().option})), GetParam().restart);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, ChangedKeys,
    testing::Values(ChangedKey{"StoreDsn", "event_store.dsn=dbname=b", {"event_store.dsn"}},
                    ChangedKey{"EventsTable", "event_store.events_table=e", {"event_store.events_table"}},
                    ChangedKey{"PollInterval", "event_store.poll_interval=2s", {"event_store.poll_interval"}},
                    ChangedKey{"NotifyChannel", "event_store.notify_channel=n", {"event_store.notify_channel"}},
                    ChangedKey{"ReadModelDsn", "read_model.dsn=dbname=b", {"read_model.dsn"}},
                    ChangedKey{"Checkpoints", "read_model.checkpoints_table=c", {"read_model.checkpoints_table"}},
                    ChangedKey{"PoolSize", "read_model.pool_size=9", {"read_model.pool_size"}},
                    ChangedKey{"PoolMax", "read_model.pool_max=33", {"read_model.pool_max"}},
                    ChangedKey{"Prepared", "read_model.prepared_statements=false", {"read_model.prepared_statements"}},
                    ChangedKey{
                        "SynchronousCommit", "read_model.synchronous_commit=on", {"read_model.synchronous_commit"}},
                    ChangedKey{"Cache", "plugins.cache=/c", {"plugins.cache"}},
                    ChangedKey{"State", "plugins.state=/s", {"plugins.state"}},
                    ChangedKey{"Memory", "feed.memory=1GiB", {"feed.memory"}},
                    ChangedKey{"Autostart", "plugins.autostart=[]", {}}, ChangedKey{"LogLevel", "log.level=debug", {}}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(RestartKeys, OfTheWorkerNameWhatChanged) {
  const std::vector<std::string> first{"worker.id=0", "worker.total=2"};
  const auto restart = [&](const std::vector<std::string>& options) {
    return restart_keys(loaded("", first), loaded("", options));
  };
  EXPECT_THAT(restart(first), IsEmpty());
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
