#include "hot_test.hpp"
#include "support/event_writers.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace projector::test {
namespace {

/// A trial ends for each worker, also for one that commits no batch; a rejection after that costs nobody the new
/// generation.
class TrialEnd : public HotTest {
protected:
  std::string table(const std::string& plugin, std::uint32_t partitions, const std::string& trial_time,
                    std::int64_t rejected) const {
    return fmt::format("[projection.{0}]\npartitions = {1}\ntrial_time = \"{2}\"\nrestart_interval = \"1s\"\n"
                       "[projection.{0}.settings]\nposition = {3}\n",
                       plugin, partitions, trial_time, rejected);
  }
  void start(const std::string& plugin, std::uint32_t partitions) {
    host_.install_plugin(plugin);
    host_.write_projection_file(plugin, table(plugin, partitions, "1h", 0));
    append_to("order-1", 3);
    host_.start();
    ASSERT_TRUE(is_live(plugin, 1)) << everything();
  }
  void append_to(const std::string& aggregate, int events) {
    for (int i = 0; i < events; ++i) {
      value(fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, "
                        "event_id, event_type, payload) SELECT 'shop', 'Order', '{0}', count(*) + 1, gen_random_uuid(),"
                        " 'OrderPlaced', '{{}}' FROM events WHERE aggregate_id = '{0}' RETURNING 1",
                        aggregate));
    }
  }
  std::int64_t next_position(std::int64_t ahead) {
    return std::stoll(value("SELECT max(global_position) FROM events")) + ahead;
  }
  /// The event at `position` is rejected: the projection fails there, and the generation that rejects it stays.
  void expect_failure_without_a_way_back(const std::string& projection, std::int64_t position) {
    ASSERT_TRUE(becomes(fmt::format("SELECT count(*) FROM projector_workers WHERE projection = '{}' AND state = "
                                    "'failed' AND strpos(reason, 'at position {} ') > 0",
                                    projection, position),
                        "1"))
        << everything();
    EXPECT_EQ(shown(projection, "generation"), "2");
    EXPECT_EQ(host_.log().find("going back"), std::string::npos) << host_.log();
  }
};

TEST_F(TrialEnd, OfAPluginWithoutStatementsIsAPositionThatIsStored) {
  ASSERT_NO_FATAL_FAILURE(start("quiet", 1));
  const auto rejected = next_position(3);
  host_.write_projection_file("quiet", table("quiet", 1, "1h", rejected));
  ASSERT_TRUE(shows_reason("quiet", "generation 2 is on trial")) << everything();
  append_to("order-1", 2);
  ASSERT_TRUE(is_live("quiet", 2)) << everything();
  append_to("order-1", 1);
  expect_failure_without_a_way_back("quiet", rejected);
}

TEST_F(TrialEnd, OfAPluginWithEffectsElsewhereIsAPositionThatIsStored) {
  ASSERT_NO_FATAL_FAILURE(start("quiet_external", 1));
  const auto rejected = next_position(3);
  host_.write_projection_file("quiet_external", table("quiet_external", 1, "1h", rejected));
  ASSERT_TRUE(shows_reason("quiet_external", "generation 2 is on trial")) << everything();
  append_to("order-1", 2);
  ASSERT_TRUE(is_live("quiet_external", 2)) << everything();
  append_to("order-1", 1);
  expect_failure_without_a_way_back("quiet_external", rejected);
}

TEST_F(TrialEnd, OfAPartitionWithoutEventsComesWithTime) {
  ASSERT_NO_FATAL_FAILURE(start("rejects", 4));
  const auto rejected = next_position(2);
  host_.write_projection_file("rejects", table("rejects", 4, "500ms", rejected));
  // All four, three of which have nothing to handle.
  append_to("order-1", 1);
  ASSERT_TRUE(is_live("rejects", 2)) << everything();
  append_to("order-2", 1); // of another partition
  ASSERT_EQ(value("SELECT count(DISTINCT partition) FROM rejects_seen"), "1");
  expect_failure_without_a_way_back("rejects", rejected);
  EXPECT_EQ(value("SELECT count(*) FROM projector_workers WHERE state = 'live'"), "3");
}

TEST_F(TrialEnd, OfAPluginWhoseFilterMatchesNothingComesWithTime) {
  ASSERT_NO_FATAL_FAILURE(start("quiet_filter", 1));
  host_.write_projection_file("quiet_filter", table("quiet_filter", 1, "500ms", 7));
  append_to("order-1", 5);
  ASSERT_TRUE(is_live("quiet_filter", 2)) << everything();
  EXPECT_TRUE(host_.logs("quiet_filter: the copy of generation 1 is removed"));
}

TEST_F(TrialEnd, OfAHostOnStandbyComesWithTime) {
  HostProcess first(dsn_);
  first.install_plugin("rejects");
  first.write_projection_file("rejects", table("rejects", 1, "1h", 0));
  append_to("order-1", 3);
  first.start();
  ASSERT_TRUE(is_live("rejects", 1)) << everything() << first.log();
  host_.install_plugin("rejects");
  host_.write_projection_file("rejects", table("rejects", 1, "1h", 0));
  host_.start();
  const auto shows_of_second = [&](const std::string& column, const std::string& expected) {
    return becomes(fmt::format("SELECT {} FROM projector_workers WHERE host LIKE '%/{}%'", column, host_.pid()),
                   expected);
  };
  ASSERT_TRUE(shows_of_second("state", "standby")) << everything();
  const auto rejected = next_position(2);
  host_.write_projection_file("rejects", table("rejects", 1, "500ms", rejected));
  ASSERT_TRUE(shows_of_second("generation", "2")) << everything();
  ASSERT_TRUE(shows_of_second("strpos(reason, 'on trial')", "0")) << everything();
  ASSERT_TRUE(host_.logs("rejects: the copy of generation 1 is removed")) << host_.log();
  ASSERT_EQ(first.stop(), 0);
  append_to("order-1", 1);
  ASSERT_TRUE(shows_of_second("state", "live")) << everything();
  append_to("order-1", 1);
  expect_failure_without_a_way_back("rejects", rejected);
}

TEST_F(TrialEnd, ComesNotBeforeItsTimeForAGenerationThatRejectsItsFirstEvent) {
  ASSERT_NO_FATAL_FAILURE(start("quiet", 1));
  host_.write_projection_file("quiet", table("quiet", 1, "1h", next_position(1)));
  ASSERT_TRUE(shows_reason("quiet", "generation 2 is on trial")) << everything();
  append_to("order-1", 1);
  ASSERT_TRUE(host_.logs("quiet: generation 2 failed before its first commit, going back to generation 1"))
      << everything();
  ASSERT_TRUE(shows_reason("quiet", "generation 1 keeps running: ")) << everything();
  ASSERT_TRUE(caught_up()) << everything();
}

} // namespace
} // namespace projector::test
