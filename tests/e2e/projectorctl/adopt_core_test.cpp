#include "adopt_test.hpp"

#include "control/partition_of.hpp"

#include <gmock/gmock.h>

namespace projector::control {
namespace {

using testing::HasSubstr;

/// A database of pupsourcing/core.
class AdoptFromCore : public AdoptCommand {
protected:
  AdoptFromCore() {
    pg::Connection({.dsn = dsn_, .settings = {}}, base::no_stop())
        .script(
            "CREATE TABLE consumer_segments (consumer_name TEXT NOT NULL, segment_id INT NOT NULL, total_segments "
            "INT NOT NULL, owner_id TEXT, checkpoint BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (consumer_name, "
            "segment_id)); CREATE TABLE projection_checkpoints (projection_name TEXT PRIMARY KEY, "
            "last_global_position BIGINT NOT NULL DEFAULT 0, updated_at TIMESTAMPTZ NOT NULL DEFAULT now()); CREATE "
            "TABLE seed_seen (global_position bigint, partition int)");
  }
  /// What a worker of that library has done to its segment: everything up to the newest event.
  void run_segment(std::uint32_t id, std::uint32_t total, const std::string& owner = "") const {
    pg::Connection connection({.dsn = dsn_, .settings = {}}, base::no_stop());
    const auto events = connection.exec("SELECT global_position, aggregate_id FROM events ORDER BY 1");
    for (std::size_t row = 0; row < events.rows(); ++row) {
      if (partition_of(events.bytes(row, 1), total) == id) {
        connection.exec("INSERT INTO seed_seen VALUES ($1, $2)",
                        pg::Parameters{}.int8(events.int8(row, 0)).int4(static_cast<std::int32_t>(id)));
      }
    }
    connection.exec("INSERT INTO consumer_segments VALUES ('things', $1, $2, nullif($3, ''), $4)",
                    pg::Parameters{}
                        .int4(static_cast<std::int32_t>(id))
                        .int4(static_cast<std::int32_t>(total))
                        .text(owner)
                        .int8(events.int8(events.rows() - 1, 0)));
  }
};

TEST_F(AdoptFromCore, ItsSegmentsBecomePartitions) {
  configure(4);
  add_events(100);
  run_segment(0, 4);
  run_segment(1, 4);
  add_events(60);
  run_segment(2, 4);
  run_segment(3, 4);
  add_events(40);
  const auto run = adopt({"--from", "core"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_EQ(mirrored(), "things_p0 100, things_p1 100, things_p2 160, things_p3 160");
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 0");
}

TEST_F(AdoptFromCore, ASegmentThatAWorkerOwnsIsRefusedWithACureThatWorks) {
  add_events(20);
  run_segment(0, 1, "worker-7");
  const auto refused = adopt({"--from", "core"});
  EXPECT_EQ(refused.code, 1);
  const std::string cure = "UPDATE public.consumer_segments SET owner_id = NULL WHERE consumer_name = 'things'";
  EXPECT_THAT(refused.output, HasSubstr("is owned by worker worker-7: end that library's workers and run this again; "
                                        "where one was killed, run " +
                                        cure));
  value(cure);
  EXPECT_EQ(adopt({"--from", "core"}).code, 0);
}

TEST_F(AdoptFromCore, AHostDoesNotBeginAtTheBeginningOfWhatCoreHasHandled) {
  add_events(50);
  run_segment(0, 1);
  host_.start();
  ASSERT_TRUE(shows_state("refused")) << host_.log();
  EXPECT_EQ(
      value("SELECT reason FROM projector_workers"),
      "public.consumer_segments of pupsourcing/core has rows of consumer things, up to position 50, and this host "
      "has no checkpoint of it: to go on after them end that library's workers and run \"projectorctl adopt things "
      "--from core\"; to handle all events here as well give the projection another `checkpoint`");
  EXPECT_EQ(host_.stop(), 0);
  EXPECT_EQ(adopt({"--from", "core"}).code, 0);
  add_events(10);
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 0");
}

TEST_F(AdoptFromCore, SegmentsThatWereMadeButNeverRunAreNoHindrance) {
  add_events(50);
  value("INSERT INTO consumer_segments VALUES ('things', 0, 1, NULL, 0)");
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 0");
}

TEST_F(AdoptFromCore, RowsOfBothLibrariesAreRefusedWithACureThatWorks) {
  add_events(20);
  value("INSERT INTO projection_checkpoints VALUES ('things', 10)");
  run_segment(0, 1);
  const auto refused = adopt({"--from", "core"});
  EXPECT_EQ(refused.code, 1);
  const std::string cure = "DELETE FROM public.projection_checkpoints WHERE projection_name IN ('things')";
  EXPECT_THAT(refused.output, HasSubstr("run " + cure + " and this again"));
  value(cure);
  EXPECT_EQ(adopt({"--from", "core"}).code, 0);
  EXPECT_EQ(mirrored(), "things 20");
}

} // namespace
} // namespace projector::control
