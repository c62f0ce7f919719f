#include "hot_test.hpp"
#include "replacement.hpp"
#include "support/event_writers.hpp"

#include <memory>
#include <string>

namespace projector::test {
namespace {

/// Two workers that are upgraded to another version of the read model, one after the other.
class RollingUpgrade : public HotTest {
protected:
  RollingUpgrade() : second_(dsn_) {
    for (HostProcess* host : {&host_, &second_}) {
      host->install_plugin("trial");
      host->write_projection_file("trial", "[projection.trial]\npartitions = 4\nbatch_size = 10\nrebuild = "
                                           "\"automatic\"\nrestart_interval = \"100ms\"\n");
    }
  }
  static void put(HostProcess& host, const std::string& version) {
    replace_file(built_plugin(version, "trial"), host.plugin_directory() / "trial.so", Way::Rsync);
  }
  /// Partitions of the read model that have this version.
  bool has_partitions(const std::string& mark, const std::string& count) {
    return becomes("SELECT count(DISTINCT partition) FROM trial_batches WHERE mark = '" + mark + "'", count);
  }
  HostProcess second_;
};

TEST_F(RollingUpgrade, RebuildsOnceAndTheOlderWorkerTakesNoPartUntilItIsUpgraded) {
  append(100);
  host_.start({"--worker-id", "0", "--total-workers", "2"});
  second_.start({"--worker-id", "1", "--total-workers", "2"});
  ASSERT_TRUE(has_partitions("first", "4")) << everything() << second_.log();
  auto writers = std::make_unique<EventWriters>(
      dsn_, EventWriters::Options{.writers = 2, .events = ~std::uint64_t{0}, .seed = 14, .pause_us = 20000});
  put(second_, "rebuild");
  ASSERT_TRUE(has_partitions("third", "2")) << everything() << second_.log();
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state = 'refused' AND partition IN (0, 2) AND "
                      "strpos(reason, 'takes no part until the plugin of version 2 is in place here') > 0",
                      "2"))
      << everything() << second_.log();
  // The older worker has tried again many times by now, which changes nothing.
  const auto settled = value("SELECT max(global_position) FROM events");
  ASSERT_TRUE(
      becomes("SELECT min(position) >= " + settled + " FROM projector_checkpoints WHERE partition IN (1, 3)", "t"))
      << everything() << second_.log();
  EXPECT_EQ(value("SELECT epoch FROM projector_projections"), "2");
  EXPECT_EQ(value("SELECT string_agg(DISTINCT mark, ',') FROM trial_batches"), "third");
  put(host_, "rebuild");
  ASSERT_TRUE(has_partitions("third", "4")) << everything() << second_.log();
  writers.reset();
  ASSERT_TRUE(caught_up()) << everything() << second_.log();
  EXPECT_EQ(value("SELECT epoch FROM projector_projections"), "2");
  EXPECT_EQ(value("SELECT string_agg(DISTINCT mark, ',') FROM trial_batches"), "third");
  EXPECT_EQ(difference("trial"), 0);
}

TEST_F(RollingUpgrade, ARequestDoesNotLetTheOlderWorkerGoBackWhileTheNewerOneRuns) {
  append(100);
  host_.start({"--worker-id", "0", "--total-workers", "2"});
  ASSERT_TRUE(has_partitions("first", "2")) << everything();
  put(second_, "rebuild");
  second_.start({"--worker-id", "1", "--total-workers", "2"});
  ASSERT_TRUE(has_partitions("third", "2")) << everything() << second_.log();
  append(100); // for the older worker's partitions to meet the new epoch
  ASSERT_TRUE(becomes("SELECT count(*) FROM projector_workers WHERE state = 'refused'", "2")) << everything();
  const auto finished = run_program(
      {PROJECTOR_TEST_BIN_DIR "/projectorctl", "--config", host_.configuration_file().string(), "rebuild", "trial"});
  ASSERT_EQ(finished.code, 0) << finished.output;
  ASSERT_TRUE(becomes("SELECT epoch FROM projector_projections WHERE rebuild_requested = 0", "3")) << everything();
  ASSERT_TRUE(has_partitions("third", "2")) << everything() << second_.log();
  EXPECT_EQ(value("SELECT read_model_version FROM projector_projections"), "2");
  EXPECT_EQ(value("SELECT count(*) FROM trial_batches WHERE mark = 'first'"), "0");
}

} // namespace
} // namespace projector::test
