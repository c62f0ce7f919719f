#include "control/partition_of.hpp"
#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/long_run.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <future>
#include <random>

namespace projector::control {
namespace {

using testing::HasSubstr;

/// A projection "things" of the recorder, or of another plugin that writes down what it sees, between two counts.
class RepartitionCommand : public ::testing::Test {
protected:
  RepartitionCommand() {
    test::create_event_store(dsn_);
    value("CREATE SEQUENCE version");
    configure(1);
    install("recorder");
  }

  void install(const std::string& plugin) {
    // One that no projection names would start by itself.
    std::filesystem::remove(host_.plugin_directory() / (plugin_ + ".so"));
    plugin_ = plugin;
    host_.install_plugin(plugin);
  }
  void configure(std::uint32_t partitions, const std::string& more = "") {
    host_.write_projection_file(
        "things", fmt::format("[projection.things]\nplugin = \"{}\"\npartitions = {}\n{}", plugin_, partitions, more));
  }
  [[nodiscard]] test::Finished ctl(const std::string& command, const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{PROJECTOR_TEST_BIN_DIR "/projectorctl", command, "--config",
                                   host_.configuration_file().string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return test::run_program(words);
  }
  [[nodiscard]] test::Finished repartition_to(std::uint32_t partitions,
                                              const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"things", "--to", std::to_string(partitions)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ctl("repartition", arguments);
  }
  void add_events(int n) {
    test::query_value(dsn_, fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, "
                                        "aggregate_version, event_id, event_type, payload) SELECT 'test', 'thing', 'a' "
                                        "|| n % 41, nextval('version'), gen_random_uuid(), 'Happened', '' FROM "
                                        "generate_series(1, {}) n",
                                        n));
  }
  std::string value(const std::string& sql) const { return test::query_value(dsn_, sql); }
  void run_until_caught_up() { ASSERT_EQ(host_.run({"--until-caught-up", "--timeout", "60s"}), 0) << host_.log(); }
  /// Runs the worker of this id until its partitions have all events; the others stay where they are.
  void run_share(std::uint32_t id, std::uint32_t total) {
    host_.start({"--worker-id", std::to_string(id), "--total-workers", std::to_string(total)});
    ASSERT_TRUE(test::eventually([&] {
      return value(fmt::format("SELECT count(*) > 0 AND min(position) = (SELECT max(global_position) FROM events) FROM "
                               "projector_checkpoints WHERE partition % {} = {}",
                               total, id)) == "t";
    })) << host_.log();
    ASSERT_EQ(host_.stop(), 0) << host_.log();
  }
  std::string checkpoints() const {
    return value("SELECT string_agg(name || ' ' || position, ', ' ORDER BY partition) FROM projector_checkpoints");
  }
  /// Each event once, and those of an aggregate in order.
  void expect_all_handled_in_order() {
    EXPECT_EQ(test::read_model_difference(dsn_, "recorder", "things"), 0);
    EXPECT_EQ(value("SELECT count(*) FROM (SELECT lag(s.n) OVER (PARTITION BY aggregate_id ORDER BY global_position) > "
                    "s.n AS late FROM things_seen s JOIN events USING (global_position)) AS t WHERE late"),
              "0");
  }
  /// From here on every handled event gets a number in the order of handling.
  void number_what_is_handled() { value("ALTER TABLE things_seen ADD COLUMN n bigserial"); }

  std::string dsn_ = test::PrivatePostgres::shared().create_database();
  test::HostProcess host_{dsn_};
  std::string plugin_ = "recorder";
};

TEST_F(RepartitionCommand, SplitsWithoutThePluginWhereverThePartitionsStand) {
  configure(2);
  add_events(100);
  run_until_caught_up();
  number_what_is_handled();
  add_events(100);
  run_share(0, 2);
  std::filesystem::rename(host_.plugin_directory() / "recorder.so", host_.plugin_directory() / "kept");
  const auto file = (host_.configuration_file().parent_path() / "projections.d" / "things.toml").string();
  const auto run = repartition_to(4);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(run.output, "CHECKPOINT  BEFORE  AFTER\n"
                        "things_p0   200     200\n"
                        "things_p1   100     100\n"
                        "things_p2   -       200\n"
                        "things_p3   -       100\n"
                        "things has 4 partitions now, 2 before; 0 events were handled to bring them level.\n"
                        "Now set partitions = 4 in [projection.things] (" +
                            file + ":1:1), where it is 2 now, then start its workers.\n");
  std::filesystem::rename(host_.plugin_directory() / "kept", host_.plugin_directory() / "recorder.so");
  configure(4);
  add_events(100);
  run_until_caught_up();
  expect_all_handled_in_order();
  pg::Connection connection({.dsn = dsn_, .settings = {}}, base::no_stop());
  const auto rows = connection.exec("SELECT aggregate_id, partition FROM events JOIN things_seen USING "
                                    "(global_position) WHERE global_position > 200");
  ASSERT_EQ(rows.rows(), 100u);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    EXPECT_EQ(rows.int8(row, 1), partition_of(rows.bytes(row, 0), 4));
  }
}

TEST_F(RepartitionCommand, MergesLevelPartitionsAtOnce) {
  configure(4);
  add_events(100);
  run_until_caught_up();
  number_what_is_handled();
  configure(2);
  const auto run = repartition_to(2);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output,
              HasSubstr("things_p1   100     100\nthings_p2   100     -\nthings_p3   100     -\n"
                        "things has 2 partitions now, 4 before; 0 events were handled to bring them level.\n"
                        "The configuration has partitions = 2 for it already ("));
  EXPECT_THAT(run.output, HasSubstr("things.toml:1:1): start its workers.\n"));
  add_events(50);
  run_until_caught_up();
  expect_all_handled_in_order();
  EXPECT_EQ(checkpoints(), "things_p0 150, things_p1 150");
}

TEST_F(RepartitionCommand, BringsWhatIsBehindLevelAndNoFurther) {
  configure(4);
  add_events(100);
  run_until_caught_up();
  number_what_is_handled();
  add_events(100);
  run_share(0, 4);
  add_events(100);
  run_share(3, 4);
  add_events(50);
  ASSERT_EQ(checkpoints(), "things_p0 200, things_p1 100, things_p2 100, things_p3 300");
  const auto dry = repartition_to(2, {"--dry-run"});
  EXPECT_EQ(dry.code, 0);
  EXPECT_EQ(dry.output, "things_p1 is brought from 100 to 300\n"
                        "things_p2 is brought from 100 to 200\n"
                        "CHECKPOINT  BEFORE  AFTER\n"
                        "things_p0   200     200\n"
                        "things_p1   100     300\n"
                        "things_p2   100     -\n"
                        "things_p3   300     -\n"
                        "Nothing was changed: this was a dry run of things from 4 partitions to 2.\n");
  EXPECT_EQ(checkpoints(), "things_p0 200, things_p1 100, things_p2 100, things_p3 300");
  const auto before = std::stoi(value("SELECT count(*) FROM things_seen"));
  const auto run = repartition_to(2);
  EXPECT_EQ(run.code, 0) << run.output;
  const auto handled = std::stoi(value("SELECT count(*) FROM things_seen")) - before;
  EXPECT_GT(handled, 0);
  EXPECT_THAT(run.output,
              HasSubstr(fmt::format("things has 2 partitions now, 4 before; {} events were handled to bring "
                                    "them level.\n",
                                    handled)));
  EXPECT_EQ(checkpoints(), "things_p0 200, things_p1 300");
  EXPECT_EQ(value("SELECT count(*) FROM projector_workers"), "0");
  configure(2);
  run_until_caught_up();
  expect_all_handled_in_order();
}

TEST_F(RepartitionCommand, GoesBetweenCountsThatHaveNothingInCommon) {
  configure(2);
  add_events(60);
  run_until_caught_up();
  number_what_is_handled();
  add_events(60);
  run_share(1, 2);
  ASSERT_EQ(repartition_to(3).code, 0);
  EXPECT_EQ(checkpoints(), "things_p0 120, things_p1 120, things_p2 120");
  configure(3);
  add_events(60);
  run_share(1, 3);
  ASSERT_EQ(checkpoints(), "things_p0 120, things_p1 180, things_p2 120");
  const auto run = repartition_to(1);
  ASSERT_EQ(run.code, 0);
  EXPECT_THAT(run.output, HasSubstr("things_p0 is brought from 120 to 180\nthings_p2 is brought from 120 to 180\n"));
  EXPECT_EQ(checkpoints(), "things 180");
  configure(1);
  add_events(60);
  run_until_caught_up();
  expect_all_handled_in_order();
}

TEST_F(RepartitionCommand, RandomChangesLoseAndRepeatNothing) {
  std::mt19937 random(3);
  std::uint32_t partitions = 3;
  configure(partitions);
  add_events(50);
  run_until_caught_up();
  number_what_is_handled();
  for (auto round = test::size_of_run(4, 40); round > 0; --round) {
    add_events(static_cast<int>(1 + random() % 80));
    const auto total = static_cast<std::uint32_t>(1 + random() % 3);
    if (const auto id = static_cast<std::uint32_t>(random() % total); id < partitions) {
      run_share(id, total);
    }
    std::uint32_t next = 1 + static_cast<std::uint32_t>(random() % 8);
    next = next == partitions ? next + 1 : next;
    const auto before = std::stoi(value("SELECT max(position) FROM projector_checkpoints"));
    const auto run = repartition_to(next);
    ASSERT_EQ(run.code, 0) << run.output;
    EXPECT_EQ(std::stoi(value("SELECT max(position) FROM projector_checkpoints")), before);
    EXPECT_EQ(value("SELECT count(*) FROM projection_checkpoints JOIN projector_checkpoints ON name = projection_name "
                    "AND position = last_global_position"),
              std::to_string(next));
    partitions = next;
    configure(partitions);
  }
  run_until_caught_up();
  expect_all_handled_in_order();
}

TEST_F(RepartitionCommand, IsRefusedWhileAHostRunsTheProjection) {
  configure(2);
  add_events(10);
  run_until_caught_up();
  host_.start();
  ASSERT_TRUE(
      test::eventually([&] { return value("SELECT count(*) FROM projector_workers WHERE state = 'live'") == "2"; }));
  const auto run = repartition_to(4);
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, testing::StartsWith("things runs: host "));
  EXPECT_THAT(run.output, HasSubstr(fmt::format("/{} (partition 0, 1, live, ", host_.pid())));
  configure(2, "enabled = false\n");
  ASSERT_TRUE(test::eventually([&] { return value("SELECT count(*) FROM projector_workers") == "0"; }));
  EXPECT_EQ(repartition_to(4).code, 0) << "the host keeps running without this projection";
  configure(4);
  add_events(10);
  EXPECT_TRUE(test::eventually([&] {
    return checkpoints() == "things_p0 20, things_p1 20, things_p2 20, things_p3 20";
  })) << host_.log();
  EXPECT_EQ(host_.stop(), 0);
  EXPECT_EQ(test::read_model_difference(dsn_, "recorder", "things"), 0);
}

TEST_F(RepartitionCommand, SaysWhatCannotBe) {
  EXPECT_EQ(ctl("repartition", {"others", "--to", "2"}).output,
            "others is no projection of this configuration; found: things\n");
  EXPECT_EQ(repartition_to(2).output,
            "things has no checkpoint yet: set partitions = 2 in its configuration and start it\n");
  configure(2);
  add_events(50);
  run_until_caught_up();
  for (const std::string count : {"0", "1025", "-1", "x"}) {
    EXPECT_EQ(ctl("repartition", {"things", "--to", count}).code, 2) << count;
  }
  EXPECT_EQ(repartition_to(2).output, "things has partitions = 2 already\n");
  add_events(50);
  run_share(0, 2);
  const std::string needed = "partitions of things are not level, and its plugin must handle what they lack: ";
  host_.install_file(PROJECTOR_TEST_BROKEN_PLUGIN_DIR "/rebuild/recorder.so", "recorder");
  const auto file = (host_.plugin_directory() / "recorder.so").string();
  for (const bool dry_run : {false, true}) {
    const auto run = repartition_to(1, dry_run ? std::vector<std::string>{"--dry-run"} : std::vector<std::string>());
    EXPECT_EQ(run.code, 1);
    EXPECT_EQ(run.output, needed + file +
                              " makes version 2 of the read model, version 1 is stored; put the plugin of "
                              "version 1 back, or let the read model be rebuilt first\n");
  }
  std::filesystem::remove(file);
  EXPECT_EQ(repartition_to(1).output, needed + "no plugin directory holds recorder.so\n");
  EXPECT_EQ(checkpoints(), "things_p0 100, things_p1 50");
}

TEST_F(RepartitionCommand, APartitionThatFailsLeavesTheCountAsItWas) {
  install("rejects");
  configure(2);
  add_events(50);
  run_until_caught_up();
  add_events(50);
  run_share(0, 2);
  std::string bad;
  pg::Connection connection({.dsn = dsn_, .settings = {}}, base::no_stop());
  const auto rows = connection.exec("SELECT global_position, aggregate_id FROM events WHERE global_position > 70");
  for (std::size_t row = 0; bad.empty() && row < rows.rows(); ++row) {
    bad = partition_of(rows.bytes(row, 1), 2) == 1 ? rows.bytes(row, 0) : "";
  }
  configure(2, "[projection.things.settings]\nposition = " + bad + "\n");
  const auto run = repartition_to(1);
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.output, HasSubstr("things_p1 is brought from 50 to 100\n"));
  EXPECT_THAT(run.output, HasSubstr("things_p1 is failed: event at position " + bad + " (Happened of thing a"));
  EXPECT_THAT(run.output, HasSubstr("; " +
                                    value("SELECT count(*) FROM things_seen WHERE partition = 1 AND "
                                          "global_position > 50") +
                                    " events were handled and stay so, the partition count is as it was; cure that, "
                                    "then run this again to go on\n"));
  EXPECT_EQ(value("SELECT partitions || ' ' || epoch FROM projector_projections"), "2 1");
  EXPECT_LT(std::stoi(value("SELECT position FROM projector_checkpoints WHERE name = 'things_p1'")), std::stoi(bad));
  configure(2);
  EXPECT_EQ(repartition_to(1).code, 0);
  EXPECT_EQ(checkpoints(), "things 100");
  EXPECT_EQ(test::read_model_difference(dsn_, "recorder", "things"), 0);
}

TEST_F(RepartitionCommand, AnInterruptEndsItInOrderAndItGoesOnLater) {
  install("slow");
  const std::string quick = "[projection.things.settings]\ndelay = \"1us\"\n";
  configure(2, quick);
  add_events(20);
  run_until_caught_up();
  add_events(200);
  run_share(0, 2);
  configure(2, "batch_size = 1\n[projection.things.settings]\ndelay = \"100ms\"\n");
  auto running = std::async(std::launch::async, [&] { return repartition_to(1); });
  ASSERT_TRUE(test::eventually([&] {
    return value("SELECT count(*) FROM projector_workers WHERE host LIKE 'projectorctl-%' AND name = 'things_p1' AND "
                 "handled > 0") == "1";
  })) << "status shows it";
  ::kill(std::stoi(value("SELECT substring(host FROM '[0-9]+$') FROM projector_workers")), SIGINT);
  const auto run = running.get();
  EXPECT_EQ(run.code, 1);
  const auto handled = value("SELECT count(*) FROM things_seen WHERE partition = 1 AND global_position > 20");
  EXPECT_THAT(run.output, HasSubstr("\ninterrupted; " + handled +
                                    " events were handled and stay so, the partition count is as it was; run this "
                                    "again to go on\n"));
  EXPECT_EQ(value("SELECT partitions || ' ' || epoch FROM projector_projections"), "2 1");
  EXPECT_EQ(value("SELECT count(*) FROM projector_workers"), "0");
  configure(2, quick);
  EXPECT_EQ(repartition_to(1).code, 0);
  EXPECT_EQ(checkpoints(), "things 220");
  EXPECT_EQ(test::read_model_difference(dsn_, "recorder", "things"), 0);
}

} // namespace
} // namespace projector::control
