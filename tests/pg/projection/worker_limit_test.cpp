#include "pg/projection/worker_fixture.hpp"

namespace projector::projection {
namespace {

using WorkerLimitTest = WorkerTest;

TEST_F(WorkerLimitTest, EndsStoredExactlyThere) {
  log_.add_up_to(25);
  log_.add_up_to(50);
  for (const std::int64_t up_to : {7, 10, 25, 26, 50}) {
    assignment_.up_to = up_to;
    start("recorder");
    ASSERT_TRUE(reaches(State::Stopped)) << up_to;
    EXPECT_EQ(checkpoints(), "seen|" + std::to_string(up_to));
    EXPECT_EQ(mirror(), checkpoints());
    EXPECT_EQ(worker_->status().stored, up_to);
    EXPECT_EQ(seen(), sequence(1, static_cast<int>(up_to)));
    stop();
  }
}

TEST_F(WorkerLimitTest, EndsAtOnceWhereItIsThereAlready) {
  log_.add_up_to(10);
  start("recorder");
  ASSERT_TRUE(stores(10));
  stop();
  log_.add_up_to(20);
  for (const std::int64_t up_to : {10, 3}) {
    assignment_.up_to = up_to;
    start("recorder");
    ASSERT_TRUE(reaches(State::Stopped));
    EXPECT_EQ(worker_->status().handled, 0u);
    stop();
  }
  EXPECT_EQ(checkpoints(), "seen|10");
}

TEST_F(WorkerLimitTest, StoresWhatRanNoStatementBeforeItEnds) {
  projection_.checkpoint_interval = std::chrono::hours(1);
  log_.add_up_to(25);
  assignment_.up_to = 13;
  start("noop");
  ASSERT_TRUE(reaches(State::Stopped));
  EXPECT_EQ(checkpoints(), "seen|13");
  EXPECT_EQ(worker_->status().stored, 13);
  stop();
  assignment_.up_to = 20;
  start("external", {{"retry_after", "0"}});
  ASSERT_TRUE(reaches(State::Stopped));
  EXPECT_EQ(checkpoints(), "seen|20");
  EXPECT_EQ(lines(), sequence(14, 20));
}

TEST_F(WorkerLimitTest, APartitionStopsThereWithoutAnEventOfItsOwn) {
  log_.add(30, {{.position = 5, .aggregate_id = "b"}, {.position = 25, .aggregate_id = "b"}});
  projection_.partitions = 2;
  partition_ = 0; // b goes to 1
  assignment_.up_to = 17;
  start("recorder");
  ASSERT_TRUE(reaches(State::Stopped));
  EXPECT_EQ(checkpoints(), "seen_p0|17 seen_p1|0");
  stop();
  partition_ = 1;
  start("recorder");
  ASSERT_TRUE(reaches(State::Stopped));
  EXPECT_EQ(checkpoints(), "seen_p0|17 seen_p1|17");
  EXPECT_EQ(seen(), "5");
}

TEST_F(WorkerLimitTest, AFailureBeforeItIsShown) {
  log_.add_up_to(25);
  assignment_.up_to = 20;
  start("rejects", {{"event_type", ""}, {"position", "17"}, {"tell", "true"}});
  ASSERT_TRUE(reaches(State::Failed));
  EXPECT_EQ(worker_->status().reason,
            "event at position 17 (Happened of thing a17) was rejected: rejected position 17");
  EXPECT_EQ(checkpoints(), "seen|16");
  stop();
  assignment_.up_to = 16;
  start("rejects", {{"event_type", ""}, {"position", "17"}, {"tell", "true"}});
  EXPECT_TRUE(reaches(State::Stopped)) << "what lies behind it is not looked at";
}

} // namespace
} // namespace projector::projection
