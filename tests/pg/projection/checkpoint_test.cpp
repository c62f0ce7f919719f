#include "pg/projection/projection_test.hpp"

namespace projector::projection {
namespace {

class CheckpointTest : public ProjectionTest {
protected:
  void make_mirror_row(const std::string& name, std::int64_t position) {
    observer_.exec("INSERT INTO projection_checkpoints VALUES ($1, $2)", pg::Parameters{}.text(name).int8(position));
  }
  /// Moves a checkpoint like a worker.
  void set_position(const std::string& name, std::int64_t position) {
    observer_.exec("UPDATE projector_checkpoints SET position = $2, highest = greatest(highest, $2) WHERE name = $1",
                   pg::Parameters{}.text(name).int8(position));
    observer_.exec("UPDATE projection_checkpoints SET last_global_position = $2 WHERE projection_name = $1",
                   pg::Parameters{}.text(name).int8(position));
  }
  void expect_refused(const OpenedCheckpoint& opened, const std::string& text) {
    EXPECT_FALSE(opened.checkpoint);
    EXPECT_EQ(opened.refusal, text);
    EXPECT_TRUE(observer_.at_rest());
  }

  const CheckpointKey one_{"revenue", 0, 1};
  const CheckpointKey third_of_four_{"revenue", 2, 4};
};

TEST_F(CheckpointTest, AFreshOneBeginsWhereItIsAskedTo) {
  const auto opened = open(request(one_, 1000, 40));
  ASSERT_TRUE(opened.checkpoint) << opened.refusal;
  EXPECT_EQ(opened.checkpoint->position, 40);
  EXPECT_EQ(opened.checkpoint->highest, 40);
  EXPECT_EQ(opened.checkpoint->epoch, 1);
  EXPECT_TRUE(opened.checkpoint->fresh);
  EXPECT_EQ(checkpoints(), "revenue|40");
  EXPECT_EQ(mirror(), "revenue|40");
  EXPECT_EQ(table("SELECT checkpoint, projection, plugin, partitions, epoch, read_model_version, desired_state, store "
                  "FROM projector_projections"),
            "revenue|revenue|sums|1|1|1|running|7000/1/2");
}

TEST_F(CheckpointTest, AllPartitionsAreMadeAtOnce) {
  const auto opened = open(request(third_of_four_, 1000, 7));
  ASSERT_TRUE(opened.checkpoint) << opened.refusal;
  EXPECT_TRUE(opened.checkpoint->fresh);
  EXPECT_EQ(checkpoints(), "revenue_p0|7 revenue_p1|7 revenue_p2|7 revenue_p3|7");
  EXPECT_EQ(mirror(), "revenue_p0|7 revenue_p1|7 revenue_p2|7 revenue_p3|7");
  const auto sibling = open(request({"revenue", 0, 4}, 1000, 500));
  ASSERT_TRUE(sibling.checkpoint);
  EXPECT_EQ(sibling.checkpoint->position, 7) << "all start from one place";
}

TEST_F(CheckpointTest, GoesOnWhereItStood) {
  open(request(one_));
  set_position("revenue", 250);
  set_position("revenue", 120);
  const auto again = open(request(one_, 1000, 999));
  ASSERT_TRUE(again.checkpoint) << again.refusal;
  EXPECT_EQ(again.checkpoint->position, 120);
  EXPECT_EQ(again.checkpoint->highest, 250);
  EXPECT_FALSE(again.checkpoint->fresh);
}

TEST_F(CheckpointTest, TakesOverTheSeedsRow) {
  make_mirror_row("revenue", 321);
  make_mirror_row("other", 5);
  make_mirror_row("revenue_partial", 6);
  const auto opened = open(request(one_));
  ASSERT_TRUE(opened.checkpoint) << opened.refusal;
  EXPECT_EQ(opened.checkpoint->position, 321);
  EXPECT_FALSE(opened.checkpoint->fresh) << "somebody handled events before";
  EXPECT_EQ(checkpoints(), "revenue|321");
}

TEST_F(CheckpointTest, TakesOverTheSeedsRowsOfAllPartitions) {
  for (int partition = 0; partition < 4; ++partition) {
    make_mirror_row("revenue_p" + std::to_string(partition), 100 + partition);
  }
  const auto opened = open(request(third_of_four_));
  ASSERT_TRUE(opened.checkpoint) << opened.refusal;
  EXPECT_EQ(opened.checkpoint->position, 102);
  EXPECT_EQ(checkpoints(), "revenue_p0|100 revenue_p1|101 revenue_p2|102 revenue_p3|103");
}

TEST_F(CheckpointTest, SeedRowsOfAnotherCountAreRefused) {
  make_mirror_row("revenue_p0", 10);
  make_mirror_row("revenue_p1", 11);
  const std::string found = "checkpoints of another partition count exist in public.projection_checkpoints: found "
                            "revenue_p0, revenue_p1 (2 in "
                            "all), expected ";
  const std::string else_what = " (with --dry-run it only shows what it would keep, insert and delete), else set "
                                "partitions to the count that they "
                                "ran with. That is not always the number of rows: a worker that has never run has none";
  expect_refused(open(request(one_)), found +
                                          "revenue for partitions = 1; if the old workers ran with 1, run "
                                          "\"projectorctl adopt revenue --partitions 1\"" +
                                          else_what);
  expect_refused(open(request(third_of_four_)),
                 found +
                     "revenue_p0 to revenue_p3 for partitions = 4; if the old workers ran with 4, run "
                     "\"projectorctl adopt revenue --partitions 4\"" +
                     else_what);
  EXPECT_EQ(checkpoints(), "");
  EXPECT_TRUE(open(request({"revenue", 1, 2})).checkpoint);
}

TEST_F(CheckpointTest, OneSeedRowIsRefusedForPartitions) {
  make_mirror_row("revenue", 10);
  EXPECT_NE(open(request(third_of_four_)).refusal.find("found revenue (1 in all)"), std::string::npos);
}

TEST_F(CheckpointTest, AnotherPartitionCountIsRefused) {
  open(request(third_of_four_));
  expect_refused(open(request({"revenue", 0, 8})),
                 "checkpoint revenue was written with 4 partitions, the configuration says 8; set partitions = 4, or "
                 "stop its workers and run \"projectorctl repartition revenue --to 8\"");
  EXPECT_EQ(look("SELECT count(*) FROM projector_checkpoints"), "4");
}

TEST_F(CheckpointTest, AnotherStoreIsRefused) {
  open(request(one_));
  auto other = request(one_);
  other.store = "9000/1/2";
  expect_refused(open(other), "checkpoint revenue belongs to another event store: found 7000/1/2, this one is 9000/1/2 "
                              "(system identifier/database/table); point event_store.dsn at the old store, choose "
                              "another `checkpoint`, or, if this is a copy with the same positions, run: UPDATE "
                              "projector_projections SET store = '9000/1/2' WHERE checkpoint = 'revenue'");
  run("UPDATE projector_projections SET store = '9000/1/2' WHERE checkpoint = 'revenue'");
  EXPECT_TRUE(open(other).checkpoint) << "the way out works";
}

TEST_F(CheckpointTest, ARebuildTakesAnotherStoreUp) {
  open(request(one_));
  run("UPDATE projector_checkpoints SET position = 900; UPDATE projection_checkpoints SET last_global_position = 900");
  auto other = request(one_);
  other.store = "7000/1/2#2";
  other.store_last = 20;
  other.rebuild.resettable = true;
  EXPECT_NE(open(other).refusal.find("; or, to build it anew from this store: \"projectorctl rebuild revenue\""),
            std::string::npos);
  other.rebuild.requested = true;
  EXPECT_NE(open(other).refusal, "") << "nobody has asked for it yet";
  run("UPDATE projector_projections SET rebuild_requested = 1");
  const auto opened = open(other);
  ASSERT_TRUE(opened.checkpoint) << opened.refusal;
  EXPECT_EQ(opened.next, OpenedCheckpoint::Next::Reset);
}

TEST_F(CheckpointTest, AnotherReadModelVersionIsRefused) {
  open(request(one_));
  auto newer = request(one_);
  newer.read_model_version = 2;
  expect_refused(open(newer),
                 "the read model of checkpoint revenue is of version 1, plugin sums makes version 2 and has "
                 "no reset to empty it with; put the plugin of version 1 back, or give this one another "
                 "`checkpoint` and tables of its own");
  newer.rebuild.resettable = true;
  expect_refused(open(newer), "the read model of checkpoint revenue is of version 1, plugin sums makes version 2; to "
                              "rebuild it from the first event run \"projectorctl rebuild revenue\" or set rebuild = "
                              "\"automatic\", else put the plugin of version 1 back");
}

TEST_F(CheckpointTest, AnotherReadModelVersionIsResetByThePartitionThatLeads) {
  open(request(third_of_four_));
  set_position("revenue_p2", 70);
  auto newer = request(third_of_four_);
  newer.read_model_version = 2;
  newer.rebuild.resettable = newer.rebuild.automatic = true;
  const auto leads = open(newer);
  ASSERT_TRUE(leads.checkpoint) << leads.refusal;
  EXPECT_EQ(leads.next, OpenedCheckpoint::Next::Reset);
  EXPECT_EQ(leads.checkpoint->position, 70);
  newer.rebuild.leads = false;
  const auto follows = open(newer);
  EXPECT_FALSE(follows.checkpoint);
  EXPECT_EQ(follows.refusal, "");
  EXPECT_EQ(follows.next, OpenedCheckpoint::Next::Wait);
  EXPECT_EQ(checkpoints(), "revenue_p0|0 revenue_p1|0 revenue_p2|70 revenue_p3|0");
}

TEST_F(CheckpointTest, ARequestedRebuildIsServedByThoseWhoAreStartedForIt) {
  open(request(one_));
  set_position("revenue", 70);
  run("UPDATE projector_projections SET rebuild_requested = 3");
  auto wanted = request(one_);
  wanted.rebuild.resettable = true;
  EXPECT_EQ(open(wanted).next, OpenedCheckpoint::Next::Continue);
  wanted.rebuild.requested = true;
  EXPECT_EQ(open(wanted).next, OpenedCheckpoint::Next::Reset);
  wanted.rebuild.resettable = false;
  EXPECT_EQ(open(wanted).next, OpenedCheckpoint::Next::Continue);
  wanted.rebuild.resettable = true;
  run("UPDATE projector_projections SET rebuild_requested = 0");
  EXPECT_EQ(open(wanted).next, OpenedCheckpoint::Next::Continue);
}

TEST_F(CheckpointTest, WhereToStartIsAskedForOnlyWhereARowIsMade) {
  auto unknown = request(one_);
  unknown.start_position.reset();
  const auto asked = open(unknown);
  EXPECT_FALSE(asked.checkpoint);
  EXPECT_EQ(asked.refusal, "");
  EXPECT_EQ(asked.next, OpenedCheckpoint::Next::NeedStart);
  EXPECT_EQ(checkpoints(), "");
  open(request(one_, 1000, 40));
  EXPECT_EQ(open(unknown).checkpoint->position, 40);
  run("DELETE FROM projector_checkpoints");
  EXPECT_EQ(open(unknown).next, OpenedCheckpoint::Next::NeedStart);
}

TEST_F(CheckpointTest, APositionAboveTheStoreIsRefused) {
  open(request(one_));
  set_position("revenue", 50);
  const auto refused = open(request(one_, 49));
  expect_refused(refused,
                 "checkpoint revenue stands at 50, above the last position 49 of the event store: it belongs to "
                 "another or an older store; point event_store.dsn at the right one, or delete the row from "
                 "public.projection_checkpoints to start anew");
  EXPECT_EQ(refused.above_store, 50) << "which another host's later look would explain";
  EXPECT_TRUE(open(request(one_, 50)).checkpoint);
}

TEST_F(CheckpointTest, AStartAboveTheStoreIsRefusedAndLeavesNothing) {
  expect_refused(open(request(one_, 10, 11)),
                 "checkpoint revenue would start at 11, above the last position 10 of the event store; set start_from "
                 "to \"beginning\", \"end\" or a position of this store");
  EXPECT_EQ(checkpoints(), "");
  EXPECT_EQ(mirror(), "");
  EXPECT_EQ(look("SELECT count(*) FROM projector_projections"), "0");
}

TEST_F(CheckpointTest, ADeletedRowStartsAnew) {
  open(request(third_of_four_));
  for (int partition = 0; partition < 4; ++partition) {
    set_position("revenue_p" + std::to_string(partition), 100 + partition);
  }
  run("DELETE FROM projection_checkpoints WHERE projection_name = 'revenue_p2'");
  const auto mirror_gone = open(request(third_of_four_, 1000, 3));
  ASSERT_TRUE(mirror_gone.checkpoint) << mirror_gone.refusal;
  EXPECT_EQ(mirror_gone.checkpoint->position, 3);
  EXPECT_EQ(mirror_gone.checkpoint->highest, 102) << "below it events are handled for a rebuild";
  run("DELETE FROM projector_checkpoints WHERE name = 'revenue_p1'");
  const auto own_gone = open(request({"revenue", 1, 4}, 1000, 3));
  ASSERT_TRUE(own_gone.checkpoint) << own_gone.refusal;
  EXPECT_EQ(own_gone.checkpoint->position, 3);
  EXPECT_EQ(checkpoints(), "revenue_p0|100 revenue_p1|3 revenue_p2|3 revenue_p3|103");
  EXPECT_EQ(mirror(), "revenue_p0|100 revenue_p1|3 revenue_p2|3 revenue_p3|103");
}

TEST_F(CheckpointTest, IsDurableBeforeTheFirstBatch) {
  run("ALTER DATABASE " + look("SELECT quote_ident(current_database())") + " SET synchronous_commit = off");
  pg::Connection fresh(options(), base::no_stop());
  EXPECT_EQ(std::string(fresh.exec("SHOW synchronous_commit").bytes(0, 0)), "off");
  const auto before = look("SELECT pg_current_wal_insert_lsn()");
  open_checkpoint(fresh, tables_, request(one_));
  EXPECT_EQ(look("SELECT pg_current_wal_flush_lsn() > '" + before + "'"), "t");
}

TEST_F(CheckpointTest, PartitionsThatOpenTogetherAgree) {
  std::vector<std::future<OpenedCheckpoint>> workers;
  for (std::uint32_t partition = 0; partition < 8; ++partition) {
    workers.push_back(std::async(std::launch::async, [this, partition] {
      pg::Connection connection(options(), base::no_stop());
      return open_checkpoint(connection, tables_, request({"revenue", partition, 8}));
    }));
  }
  int fresh = 0;
  for (auto& worker : workers) {
    const auto opened = worker.get();
    ASSERT_TRUE(opened.checkpoint) << opened.refusal;
    fresh += opened.checkpoint->fresh ? 1 : 0;
  }
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(look("SELECT count(*) FROM projector_checkpoints"), "8");
}

TEST_F(CheckpointTest, AFailureLeavesTheSessionAtRest) {
  run("DROP TABLE projector_checkpoints");
  EXPECT_THROW(open(request(one_)), pg::Error);
  EXPECT_TRUE(observer_.at_rest());
}

TEST_F(CheckpointTest, ReadingTellsTheRowAsItIs) {
  EXPECT_FALSE(read_checkpoint(observer_, tables_, one_));
  open(request(one_));
  set_position("revenue", 9);
  run("UPDATE projector_projections SET epoch = 4");
  const auto row = read_checkpoint(observer_, tables_, one_);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->position, 9);
  EXPECT_EQ(row->highest, 9);
  EXPECT_EQ(row->epoch, 4);
}

TEST_F(CheckpointTest, ReadingAtRestWaitsForWhoHoldsTheRow) {
  open(request(one_));
  pg::Connection holder(options(), base::no_stop());
  holder.script("BEGIN; UPDATE projector_checkpoints SET position = 77");
  auto read = std::async(std::launch::async, [this] {
    pg::Connection reader(options(), base::no_stop());
    return read_checkpoint_at_rest(reader, tables_, one_);
  });
  wait_for_lock_wait();
  holder.script("UPDATE projector_projections SET epoch = 2; COMMIT");
  const auto row = read.get();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->position, 77);
  EXPECT_EQ(row->epoch, 2);
  EXPECT_FALSE(read_checkpoint_at_rest(observer_, tables_, {"absent", 0, 1}));
  EXPECT_TRUE(observer_.at_rest());
}

TEST_F(CheckpointTest, AnotherHostsHeartbeatIsSeen) {
  using Hosts = std::vector<std::string>;
  const auto others = [&](const std::string& host, base::Duration interval) {
    return other_hosts(observer_, tables_, one_, host, interval);
  };
  EXPECT_EQ(others("here/1", std::chrono::hours(1)), Hosts{});
  run("INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin, heartbeat) VALUES "
      "('revenue', 'there/2', 'revenue', 0, 1, 'live', 'sums', now() - interval '10 seconds'), "
      "('revenue', 'there/3', 'revenue', 0, 1, 'live', 'sums', now() - interval '2 seconds'), "
      "('other', 'there/2', 'other', 0, 1, 'live', 'sums', now())");
  EXPECT_EQ(others("here/1", std::chrono::minutes(1)), (Hosts{"there/3", "there/2"}));
  EXPECT_EQ(others("here/1", std::chrono::seconds(5)), Hosts{"there/3"});
  EXPECT_EQ(others("there/3", std::chrono::minutes(1)), Hosts{"there/2"}) << "the other is this one";
  run("DELETE FROM projector_workers WHERE host = 'there/3'");
  for (const char* state : {"starting", "standby", "failed", "stopped", "paused", "missing", "refused"}) {
    run("UPDATE projector_workers SET state = '" + std::string(state) + "'");
    EXPECT_EQ(others("here/1", std::chrono::minutes(1)), Hosts{}) << state;
  }
  for (const char* state : {"live", "catching_up", "retrying"}) {
    run("UPDATE projector_workers SET state = '" + std::string(state) + "'");
    EXPECT_EQ(others("here/1", std::chrono::minutes(1)), Hosts{"there/2"}) << state;
  }
}

} // namespace
} // namespace projector::projection
