#include "adopt_test.hpp"

#include <gmock/gmock.h>

#include <future>

namespace projector::control {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The old worker does not wait for gaps: its checkpoint passes the position of an open transaction.
TEST_F(AdoptCommand, EventsInFlightBelowARowAreWaitedForAndListed) {
  add_events(100);
  auto writer = event_in_flight();
  add_events(50);
  run_seed(1, {0});
  ASSERT_EQ(mirrored(), "things 151");
  const auto dry = adopt({"--partitions", "1", "--dry-run"});
  EXPECT_EQ(dry.code, 0);
  EXPECT_THAT(dry.output, HasSubstr("It would wait for transactions in flight first: pid "));
  auto waiting = std::async(std::launch::async, [&] { return adopt({"--partitions", "1"}); });
  ASSERT_TRUE(test::eventually([&] {
    return std::stoi(
               value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'projectorctl' AND query LIKE "
                     "'%pg_locks%' AND datname = current_database()")) > 0;
  }));
  writer->script("COMMIT");
  const auto refused = waiting.get();
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("missed: position 101 of late, partition 0\n"));
  EXPECT_THAT(refused.output, HasSubstr("1 event below the rows was committed after the old program had read past it"));
  EXPECT_EQ(mirrored(), "things 151");
}

TEST_F(AdoptCommand, WithoutCommitTimesItSaysWhatItCannotKnow) {
  add_events(10);
  run_seed(1, {0});
  const auto run = adopt({"--partitions", "1"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("is not known: the server does not keep commit times (track_commit_timestamp = "
                                    "off).\n"));
}

/// What README advises: no append is open while the old worker catches up.
TEST_F(AdoptCommand, NothingIsMissedWhereAppendsWaitWhileTheOldWorkerCatchesUp) {
  add_events(100);
  auto writer = event_in_flight();
  add_events(50);
  auto locked = std::async(std::launch::async, [&] {
    auto session = std::make_unique<pg::Connection>(pg::ConnectOptions{.dsn = dsn_, .settings = {}}, base::no_stop());
    session->script("BEGIN");
    session->script("LOCK TABLE events IN SHARE MODE");
    return session;
  });
  ASSERT_TRUE(test::eventually([&] {
    return value("SELECT count(*) FROM pg_locks WHERE relation = 'events'::regclass AND NOT granted") == "1";
  }));
  writer->script("COMMIT");
  const auto session = locked.get();
  run_seed(1, {0});
  session->script("COMMIT");
  const auto run = adopt({"--partitions", "1"});
  EXPECT_EQ(run.code, 0) << run.output;
  add_events(30);
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 0");
}

/// With track_commit_timestamp, events that were committed before the command are found, too.
class AdoptCommandWithCommitTimes : public AdoptCommand {
protected:
  static test::PrivatePostgres& server() {
    static test::PrivatePostgres server({.settings = {"track_commit_timestamp = on"}});
    return server;
  }
  AdoptCommandWithCommitTimes() : AdoptCommand(server()) {}
};

TEST_F(AdoptCommandWithCommitTimes, EventsThatWereCommittedBehindTheOldWorkerAreFoundAndHandedOver) {
  add_events(100);
  auto writer = event_in_flight();
  add_events(50);
  run_seed(1, {0});
  writer->script("COMMIT");
  add_events(50);
  const auto refused = adopt({"--partitions", "1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("missed: position 101 of late, partition 0\n"));
  EXPECT_THAT(refused.output, Not(HasSubstr("missed: position 102")));
  const auto run = adopt({"--partitions", "1", "--missed", "back"});
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("moved back to 100"));
  EXPECT_THAT(run.output, HasSubstr("At most 51 events may be handled twice.\n"));
  run_host();
  EXPECT_EQ(lost_and_doubled(), "0 50");
}

TEST_F(AdoptCommandWithCommitTimes, EventsThatAreHandledInAnotherWayAreLeft) {
  add_events(100);
  auto writer = event_in_flight();
  add_events(50);
  run_seed(1, {0});
  writer->script("COMMIT");
  EXPECT_EQ(adopt({"--partitions", "1", "--missed", "leave"}).code, 0);
  EXPECT_EQ(mirrored(), "things 151");
  add_events(10);
  run_host();
  EXPECT_EQ(lost_and_doubled(), "1 0");
}

} // namespace
} // namespace projector::control
