#include "sources.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr const char* kDsn = "[event_store]\ndsn = \"dbname=main\"\n";

TEST(Precedence, BuiltInValuesHoldWhereNothingIsGiven) {
  const Configuration configuration = Sources().main(kDsn).configuration();
  EventStore event_store;
  event_store.dsn = "dbname=main";
  ReadModel read_model;
  read_model.dsn = "dbname=main";
  EXPECT_EQ(configuration.event_store, event_store);
  EXPECT_EQ(configuration.read_model, read_model);
  EXPECT_EQ(configuration.feed, Feed());
  EXPECT_EQ(configuration.worker, std::nullopt);
  EXPECT_EQ(configuration.log_level, "info");
  EXPECT_EQ(configuration.defaults, Projection());
  EXPECT_TRUE(configuration.projections.empty());
  EXPECT_TRUE(configuration.include_directories.empty());
}

TEST(Precedence, EveryHostKeyIsTakenFromTheMainFile) {
  const Configuration configuration = Sources()
                                          .main(R"(
[event_store]
dsn = "dbname=store"
events_table = "es.Events"
poll_interval = "1h"
notify_channel = "new_events"
[read_model]
dsn = "dbname=reads"
checkpoints_table = "rm.checkpoints"
pool_size = 3
pool_max = 3
prepared_statements = false
synchronous_commit = "remote_apply"
[feed]
memory = "1MiB"
[worker]
id = 2
total = 3
[log]
level = "trace"
)")
                                          .configuration();
  EXPECT_EQ(configuration.event_store, (EventStore{"dbname=store", "es.Events", 1h, "new_events"}));
  EXPECT_EQ(configuration.read_model,
            (ReadModel{"dbname=reads", false, "rm.checkpoints", 3, 3, false, "remote_apply"}));
  EXPECT_EQ(configuration.feed.memory, 1u << 20);
  EXPECT_EQ(configuration.worker, (WorkerShare{2, 3}));
  EXPECT_EQ(configuration.log_level, "trace");
}

TEST(Precedence, EveryProjectionKeyIsTaken) {
  const Configuration configuration = Sources()
                                          .main(std::string(kDsn) + R"(
[projection.sales]
plugin = "revenue"
enabled = false
batch_size = 1000
batch_bytes = "2MiB"
partitions = 4
schema = "reports"
start_from = 9223372036854775807
checkpoint = "Sales Projection"
checkpoint_interval = "5s"
on_error = "stop"
rebuild = "automatic"
retry_backoff = "200ms"
retry_backoff_max = "1m"
max_retries = 0
restart_interval = "0s"
trial_time = "10s"
handle_timeout = "30d"
max_crashes = 1
sandbox = false
sandbox_read = ["/opt/lib/", "/srv/model.bin", "/opt/lib"]
sandbox_write = ["/srv/out"]
memory_max = "16MiB"
nice = -20
[projection.other]
start_from = "end"
checkpoint = ""
)")
                                          .configuration();
  Projection sales;
  sales.name = "sales";
  sales.plugin = "revenue";
  sales.enabled = false;
  sales.batch_size = 1000;
  sales.batch_bytes = 2u << 20;
  sales.partitions = 4;
  sales.schema = "reports";
  sales.start_from = {StartFrom::Kind::Position, 9223372036854775807};
  sales.checkpoint = "Sales Projection";
  sales.checkpoint_interval = 5s;
  sales.rebuild = Rebuild::Automatic;
  sales.retry_backoff = 200ms;
  sales.retry_backoff_max = 1min;
  sales.max_retries = 0;
  sales.restart_interval = 0s;
  sales.trial_time = 10s;
  sales.handle_timeout = 30 * 24h;
  sales.max_crashes = 1;
  sales.sandbox = false;
  sales.sandbox_read = {"/opt/lib", "/srv/model.bin"};
  sales.sandbox_write = {"/srv/out"};
  sales.memory_max = 16u << 20;
  sales.nice = -20;
  EXPECT_EQ(configuration.projections.at("sales"), sales);
  EXPECT_EQ(configuration.projections.at("sales").where.line, 4u);
  Projection other;
  other.name = other.plugin = other.checkpoint = "other";
  other.start_from = {StartFrom::Kind::End, 0};
  EXPECT_EQ(configuration.projections.at("other"), other);
}

/// Sets the same key in each layer, from the lowest to the highest: each layer overrides those before it.
TEST(Precedence, ProjectionLayersLieOverEachOther) {
  Sources sources;
  const auto batch_size = [&] { return sources.configuration().projections.at("a").batch_size; };
  sources.file("p.toml", "[projection.a]\n").main(std::string("include = [\"p.toml\"]\n") + kDsn);
  EXPECT_EQ(batch_size(), 100u);
  sources.main(std::string("include = [\"p.toml\"]\n") + kDsn + "[defaults]\nbatch_size = 1\n");
  EXPECT_EQ(batch_size(), 1u);
  sources.set("defaults.batch_size=2");
  EXPECT_EQ(batch_size(), 2u);
  sources.file("p.toml", "[projection.a]\nbatch_size = 3\n");
  EXPECT_EQ(batch_size(), 3u);
  sources.main(std::string("include = [\"p.toml\"]\n") + kDsn + "[projection.a]\nbatch_size = 4\n");
  EXPECT_EQ(batch_size(), 4u);
  sources.set("projection.a.batch_size=5");
  EXPECT_EQ(batch_size(), 5u);
  sources.set("projection.a.batch_size=6");
  EXPECT_EQ(batch_size(), 6u) << "the last option wins";
}

TEST(Precedence, TheMainFileOverridesAnIncludedProjectionKeyByKey) {
  const Configuration configuration =
      Sources()
          .file("p.toml", "[projection.a]\nbatch_size = 7\npartitions = 3\nsettings.x = 1\nsettings.y = 2\n")
          .main(std::string("include = [\"p.toml\"]\n") + kDsn +
                "[projection.a]\npartitions = 5\nsettings.y = \"two\"\nsettings.z = 3\n")
          .configuration();
  const Projection& a = configuration.projections.at("a");
  EXPECT_EQ(a.batch_size, 7u);
  EXPECT_EQ(a.partitions, 5u);
  ASSERT_EQ(a.settings.size(), 3u);
  EXPECT_EQ(a.settings[0], (Setting{"x", Setting::Type::Integer, {"1"}, "", {}}));
  EXPECT_EQ(a.settings[1], (Setting{"y", Setting::Type::String, {"two"}, "", {}}));
  EXPECT_EQ(a.settings[2], (Setting{"z", Setting::Type::Integer, {"3"}, "", {}}));
  EXPECT_THAT(a.where.file, testing::EndsWith("/p.toml"));
}

struct DsnCase {
  const char* name;
  const char* file;     ///< "": none
  const char* variable; ///< PROJECTORD_DSN
  const char* url;      ///< DATABASE_URL
  const char* option;   ///< --set
  const char* expected;
};

class DsnPrecedence : public testing::TestWithParam<DsnCase> {};

TEST_P(DsnPrecedence, TheHighestLayerWins) {
  Sources sources;
  sources.main(std::string("[event_store]\ndsn = \"") + GetParam().file + "\"\n");
  sources.environment("PROJECTORD_DSN", GetParam().variable).environment("DATABASE_URL", GetParam().url);
  if (*GetParam().option != '\0') {
    sources.set(GetParam().option);
  }
  const Configuration configuration = sources.configuration();
  EXPECT_EQ(configuration.event_store.dsn, GetParam().expected);
  EXPECT_EQ(configuration.read_model.dsn, GetParam().expected);
  EXPECT_TRUE(configuration.read_model.same_as_event_store);
}

INSTANTIATE_TEST_SUITE_P(
    Layers, DsnPrecedence,
    testing::Values(DsnCase{"OnlyUrl", "", "", "dbname=url", "", "dbname=url"},
                    DsnCase{"FileOverUrl", "dbname=file", "", "dbname=url", "", "dbname=file"},
                    DsnCase{"VariableOverFile", "dbname=file", "dbname=env", "dbname=url", "", "dbname=env"},
                    DsnCase{"OptionOverVariable", "dbname=file", "dbname=env", "dbname=url",
                            "event_store.dsn=dbname=set host=/run", "dbname=set host=/run"},
                    DsnCase{"QuotedOption", "", "", "", "event_store.dsn=\"dbname=set\"", "dbname=set"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Dsn, NoneFromAnywhereSaysTheWays) {
  EXPECT_THAT(Sources().main("").main_problems(),
              ElementsAre("main.toml: event_store.dsn is not set; write dsn = \"host=/run/postgresql dbname=app\" in "
                          "[event_store], or set PROJECTORD_DSN or DATABASE_URL in the environment"));
  EXPECT_THAT(Sources().main("[event_store]\ndsn = \"\"\n").main_problems(),
              ElementsAre(testing::StartsWith("main.toml:2:7: event_store.dsn is not set; ")));
}

TEST(Dsn, TheSameTextForTheReadModelIsTheSameDatabase) {
  const auto same = [](const char* dsn) {
    return Sources()
        .main(std::string(kDsn) + "[read_model]\ndsn = \"" + dsn + "\"\n")
        .configuration()
        .read_model.same_as_event_store;
  };
  EXPECT_TRUE(same(""));
  EXPECT_TRUE(same("dbname=main"));
  EXPECT_FALSE(same("dbname=other"));
}

TEST(Dsn, ItsTextIsInNoMessage) {
  Sources sources;
  sources.main("[event_store]\ndsn = \"password=hunter2\\n\"\n[read_model]\ndsn = [\"password=hunter2\"]\n")
      .environment("PROJECTORD_DSN", "password=hunter2\x01")
      .environment("DATABASE_URL", "password=hunter2\x01")
      .set("event_store.dsn password=hunter2")
      .set("event_store.dsn={password = \"hunter2\"}")
      .set("event_store.dsn.password=hunter2");
  const std::string dsn = "expected a connection string of at most 8192 bytes in double quotes, such as "
                          "\"host=/run/postgresql dbname=app\"";
  EXPECT_THAT(
      sources.main_problems(),
      ElementsAre("main.toml:2:7: event_store.dsn: found a string with a control character, " + dsn,
                  "main.toml:4:7: read_model.dsn: found an array of strings, " + dsn,
                  "--set: found \"event_store.dsn\" without \"=\", expected SECTION.KEY=VALUE, such as "
                  "log.level=debug",
                  "PROJECTORD_DSN: event_store.dsn: found a string with a control character, " + dsn,
                  "--set: event_store.dsn: found a table, " + dsn, "--set: event_store.dsn: found a table, " + dsn,
                  "DATABASE_URL: event_store.dsn: found a string with a control character, expected a connection "
                  "string"));
}

TEST(Dsn, WithoutItsQuotesIsInNoMessage) {
  for (const char* text :
       {"hunter2", "host=/run password=hunter2", "123hunter2", "truehunter2", "\"hunter2", "22hunter2"}) {
    const auto problems = Sources().main(std::string("[event_store]\ndsn = ") + text + "\n").main_problems();
    ASSERT_EQ(problems.size(), 1u) << text;
    EXPECT_THAT(problems[0], testing::Not(testing::HasSubstr("unter2"))) << text;
  }
}

} // namespace
} // namespace projector::config::test
