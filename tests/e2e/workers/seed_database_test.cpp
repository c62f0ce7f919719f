#include "seen_events.hpp"
#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "support/seed_worker.hpp"
#include "support/wait.hpp"
#include "worker_group.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace projector::test {
namespace {

/// A database that another program has kept so far: events and its projection_checkpoints, nothing of this host.
class SeedDatabase : public ::testing::Test {
protected:
  SeedDatabase() {
    create_event_store(dsn_);
    run("CREATE TABLE projection_checkpoints (projection_name TEXT PRIMARY KEY, last_global_position BIGINT NOT NULL "
        "DEFAULT 0, updated_at TIMESTAMPTZ NOT NULL DEFAULT now())");
    append(400);
  }
  std::string run(const std::string& sql) { return query_value(dsn_, sql); }
  void append(std::uint64_t events) {
    EventWriters(dsn_, {.writers = 2, .events = events, .seed = seed_++, .two_phase = false}).join();
  }
  void checkpoint(const std::string& name, std::int64_t position) {
    run(fmt::format("INSERT INTO projection_checkpoints VALUES ('{}', {})", name, position));
  }
  /// The position of the newest event, which every checkpoint reaches.
  std::string last() { return run("SELECT max(global_position) FROM events"); }

  const std::string dsn_ = PrivatePostgres::shared().create_database();
  std::uint32_t seed_ = 41;
};

TEST_F(SeedDatabase, TheCheckpointOfOneWorkerIsContinuedFrom) {
  checkpoint("recorder", 250);
  checkpoint("recorder_of_others", 7);
  WorkerGroup workers(dsn_, 1, {"recorder"}, "[projection.recorder]\n");
  ASSERT_EQ(workers[0].run({"--until-caught-up", "--timeout", "60s"}), 0) << workers.logs();
  EXPECT_EQ(run("SELECT count(*) FROM recorder_seen"), run("SELECT count(*) FROM events WHERE global_position > 250"));
  EXPECT_EQ(run("SELECT min(global_position) > 250 FROM recorder_seen"), "t");
  EXPECT_EQ(run("SELECT last_global_position FROM projection_checkpoints WHERE projection_name = 'recorder'"), last());
  EXPECT_EQ(run("SELECT last_global_position FROM projection_checkpoints WHERE projection_name = 'recorder_of_others'"),
            "7");
}

TEST_F(SeedDatabase, TheCheckpointsOfFourWorkersAreContinuedFromByFour) {
  for (int partition = 0; partition < 4; ++partition) {
    checkpoint(fmt::format("recorder_p{}", partition), 100 + 50 * partition);
  }
  WorkerGroup workers(dsn_, 4, {"recorder"}, "[projection.recorder]\npartitions = 4\n");
  for (const std::uint32_t id : {2u, 0u, 3u, 1u}) {
    workers.start(id);
    EXPECT_TRUE(becomes(dsn_,
                        fmt::format("SELECT last_global_position FROM projection_checkpoints WHERE projection_name = "
                                    "'recorder_p{}'",
                                    id),
                        last()))
        << workers[id].log();
    EXPECT_EQ(workers[id].stop(), 0);
    if (id == 2) {
      EXPECT_EQ(run("SELECT string_agg(last_global_position::text, ' ' ORDER BY projection_name) FROM "
                    "projection_checkpoints"),
                "100 150 " + last() + " 250")
          << "the others' are left alone";
    }
  }
  EXPECT_EQ(run("SELECT count(*) FROM recorder_seen WHERE global_position <= 100 + 50 * partition"), "0");
  EXPECT_EQ(run("SELECT count(DISTINCT partition) FROM recorder_seen"), "4");
  EXPECT_EQ(run("SELECT count(*) FROM events WHERE global_position > 250 AND global_position NOT IN (SELECT "
                "global_position FROM recorder_seen)"),
            "0");
}

TEST_F(SeedDatabase, AnotherCountThanTheOldWorkersIsRefused) {
  for (int partition = 0; partition < 4; ++partition) {
    checkpoint(fmt::format("recorder_p{}", partition), 100);
  }
  WorkerGroup workers(dsn_, 1, {"recorder"}, "[projection.recorder]\n");
  workers[0].start();
  ASSERT_TRUE(becomes(dsn_, "SELECT state FROM projector_workers", "refused")) << workers.logs();
  EXPECT_EQ(
      run("SELECT reason FROM projector_workers"),
      "checkpoints of another partition count exist in public.projection_checkpoints: found recorder_p0, recorder_p1, "
      "recorder_p2, recorder_p3 (4 in all), expected recorder for partitions = 1; if the old workers ran with 1, run "
      "\"projectorctl adopt recorder --partitions 1\" (with --dry-run it only shows what it would keep, insert and "
      "delete), else set partitions to the count that they ran with. That is not always the number of rows: a worker "
      "that has never run has none");
  EXPECT_EQ(run("SELECT to_regclass('recorder_seen')"), "");
  EXPECT_EQ(run("SELECT string_agg(last_global_position::text, ' ') FROM projection_checkpoints"), "100 100 100 100");
}

TEST_F(SeedDatabase, AWorkerThatStillRunsIsNoticedBetweenTwoBatchesAndCostsOnePartition) {
  make_seen_table(dsn_, "recorder");
  WorkerGroup workers(dsn_, 1, {"recorder"},
                      "[projection.recorder]\npartitions = 4\nbatch_size = 10\nrestart_interval = \"1s\"\n");
  workers[0].start();
  ASSERT_TRUE(becomes(dsn_, "SELECT count(*) FROM projector_workers WHERE state = 'live'", "4")) << workers.logs();
  ASSERT_TRUE(workers.caught_up());
  const std::string stood = run("SELECT position FROM projector_checkpoints WHERE partition = 2");
  run("UPDATE projection_checkpoints SET last_global_position = last_global_position + 1 WHERE projection_name = "
      "'recorder_p2'");
  append(200);
  ASSERT_TRUE(becomes(dsn_, "SELECT state FROM projector_workers WHERE partition = 2", "refused")) << workers.logs();
  const std::string cure = fmt::format(
      "UPDATE public.projection_checkpoints SET last_global_position = {} WHERE projection_name = 'recorder_p2'",
      stood);
  EXPECT_THAT(run("SELECT reason FROM projector_workers WHERE partition = 2"),
              testing::AllOf(testing::HasSubstr("checkpoint recorder_p2 was moved by another program: "),
                             testing::HasSubstr("here, too: " + cure)));
  EXPECT_TRUE(
      becomes(dsn_, fmt::format("SELECT count(*) FROM projector_checkpoints WHERE position = {}", last()), "3"));
  EXPECT_EQ(run("SELECT count(*) FROM projector_workers WHERE state = 'live'"), "3");
  EXPECT_EQ(run(fmt::format("SELECT count(*) FROM recorder_seen WHERE partition = 2 AND global_position > {}", stood)),
            "0");
  run(cure);
  ASSERT_TRUE(workers.caught_up()) << workers.logs();
  EXPECT_EQ(workers[0].stop(), 0);
  expect_seen_once_in_order(dsn_, "recorder", 4);
}

/// The host, then the library's worker, then the host, with the cure that the message offers first.
TEST_F(SeedDatabase, TheCureOfARowThatTheOtherProgramMovedHandlesNoEventTwice) {
  make_seen_table(dsn_, "recorder");
  WorkerGroup workers(dsn_, 1, {"recorder"}, "[projection.recorder]\npartitions = 2\nrestart_interval = \"1s\"\n");
  ASSERT_EQ(workers[0].run({"--until-caught-up", "--timeout", "60s"}), 0) << workers.logs();
  append(300);
  for (const std::uint32_t partition : {0u, 1u}) {
    SeedWorker(dsn_, "recorder", partition, 2).run_until_caught_up();
  }
  append(100);
  workers[0].start();
  const std::string refused = "SELECT reason FROM projector_workers WHERE state = 'refused' AND partition = 0";
  ASSERT_TRUE(becomes(dsn_, fmt::format("SELECT count(*) FROM ({}) AS t", refused), "1")) << workers.logs();
  const std::string text = run(refused);
  const std::string before = "continue after them: ";
  ASSERT_NE(text.find(before), std::string::npos) << text;
  const auto begin = text.find(before) + before.size();
  run(text.substr(begin, text.find(". To handle", begin) - begin)); // which is for both partitions
  ASSERT_TRUE(workers.caught_up()) << workers.logs();
  EXPECT_EQ(workers[0].stop(), 0);
  EXPECT_EQ(run("SELECT count(*) || ' ' || count(DISTINCT global_position) FROM (SELECT global_position FROM "
                "recorder_seen UNION ALL SELECT global_position FROM seed_seen) AS handled"),
            run("SELECT count(*) || ' ' || count(*) FROM events"));
}

TEST_F(SeedDatabase, AWorkerThatStillRunsIsNoticedWhereNoBatchRanAStatement) {
  WorkerGroup workers(dsn_, 1, {"user_counter"}, "[projection.user_counter]\ncheckpoint_interval = \"1ms\"\n");
  workers[0].start();
  ASSERT_TRUE(becomes(dsn_, "SELECT state FROM projector_workers", "live")) << workers.logs();
  ASSERT_TRUE(workers.caught_up());
  run("UPDATE projection_checkpoints SET last_global_position = 1");
  run("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
      "payload) VALUES ('shop', 'Order', 'last', 1, gen_random_uuid(), 'OrderShipped', '')");
  ASSERT_TRUE(becomes(dsn_, "SELECT state FROM projector_workers", "refused")) << workers.logs();
  EXPECT_THAT(
      run("SELECT reason FROM projector_workers"),
      testing::HasSubstr("checkpoint user_counter was moved by another program: public.projection_checkpoints says "
                         "1, this host's last position is "));
}

/// The other program reads, handles and moves the checkpoint all the time, as a worker of it does.
TEST_F(SeedDatabase, WhatTheHostHandlesBesideAnotherProgramIsNeverMoreThanItHasStored) {
  make_seen_table(dsn_, "recorder");
  WorkerGroup workers(dsn_, 1, {"recorder"}, "[projection.recorder]\nbatch_size = 3\nrestart_interval = \"1s\"\n");
  workers[0].start();
  ASSERT_TRUE(becomes(dsn_, "SELECT count(*) > 20 FROM recorder_seen", "t")) << workers.logs();
  {
    EventWriters writers(dsn_, {.writers = 2, .events = 500, .seed = 47, .pause_us = 2000, .two_phase = false});
    while (!writers.done()) {
      run("UPDATE projection_checkpoints SET last_global_position = (SELECT max(global_position) FROM events)");
    }
  }
  ASSERT_TRUE(becomes(dsn_, "SELECT state FROM projector_workers", "refused")) << workers.logs();
  EXPECT_EQ(run("SELECT (SELECT max(global_position) FROM recorder_seen) <= position FROM projector_checkpoints"), "t");
  EXPECT_EQ(run("SELECT count(*) FROM events, projector_checkpoints WHERE global_position <= position"),
            run("SELECT count(*) FROM recorder_seen"));
}

} // namespace
} // namespace projector::test
