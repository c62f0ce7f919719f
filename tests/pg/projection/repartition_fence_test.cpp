#include "pg/projection/worker_fixture.hpp"
#include "projection/repartition.hpp"

namespace projector::projection {
namespace {

RepartitionRequest to(const std::string& checkpoint, std::uint32_t partitions) {
  RepartitionRequest request;
  request.projection = request.checkpoint = checkpoint;
  request.to = partitions;
  request.own_host = "here/1";
  return request;
}

class RepartitionFenceTest : public TransactionTest {
protected:
  using Kind = BatchTransaction::Failure::Kind;
  void SetUp() override {
    run("CREATE TABLE seen (position bigint PRIMARY KEY)");
    const auto opened = open(request({"revenue", 0, 2}));
    ASSERT_TRUE(opened.checkpoint);
    epoch_ = opened.checkpoint->epoch;
  }
  std::unique_ptr<BatchTransaction> batch(std::uint32_t partition, std::int64_t from, std::int64_t to) {
    auto options = transaction_options();
    options.key = {"revenue", partition, 2};
    auto batch = std::make_unique<BatchTransaction>(pool_, tables_, options, stop_);
    batch->begin(move(from, to));
    exec(*batch, "INSERT INTO seen VALUES (" + std::to_string(to) + ")");
    return batch;
  }
  std::future<Repartition> change_to(std::uint32_t partitions, base::Duration lock_timeout = std::chrono::minutes(1)) {
    return std::async(std::launch::async, [this, partitions, lock_timeout] {
      auto request = to("revenue", partitions);
      request.lock_timeout = lock_timeout;
      return repartition(other_, tables_, request);
    });
  }
  /// Tries to repartition while this session holds a lock that it needs.
  std::string refused_while(const std::string& held) {
    pg::Connection holder({.dsn = dsn_, .application_name = "psql", .settings = {}}, base::no_stop());
    holder.script("BEGIN");
    holder.script(held);
    auto text = change_to(4, std::chrono::milliseconds(20)).get().refusal;
    const auto pid = std::to_string(holder.backend_pid());
    for (auto at = text.find(pid); at != std::string::npos; at = text.find(pid)) {
      text.replace(at, pid.size(), "PID");
    }
    EXPECT_TRUE(other_.at_rest());
    return text;
  }
  pg::Connection other_{options(), base::no_stop()};
};

TEST_F(RepartitionFenceTest, ARunningBatchIsWaitedForAndItsPositionTaken) {
  const auto running = batch(1, 0, 30);
  EXPECT_EQ(query(*running, "SELECT 1"), "1");
  auto changed = change_to(4);
  wait_for_lock_wait();
  EXPECT_TRUE(running->commit());
  EXPECT_TRUE(changed.get().done);
  EXPECT_EQ(checkpoints(), "revenue_p0|0 revenue_p1|30 revenue_p2|0 revenue_p3|30");
  EXPECT_EQ(mirror(), checkpoints());
}

TEST_F(RepartitionFenceTest, ABatchThatMovesOneOutOfLevelMeanwhileKeepsThemFromMerging) {
  const auto running = batch(1, 0, 30);
  EXPECT_EQ(query(*running, "SELECT 1"), "1");
  auto changed = change_to(1);
  wait_for_lock_wait();
  EXPECT_TRUE(running->commit());
  const auto answer = changed.get();
  EXPECT_FALSE(answer.done);
  EXPECT_EQ(answer.plan.behind, (std::vector<PartitionBehind>{{0, 0, 30}}));
  EXPECT_EQ(checkpoints(), "revenue_p0|0 revenue_p1|30");
}

TEST_F(RepartitionFenceTest, ABatchThatWaitsForItIsFenced) {
  pg::Connection holder(options(), base::no_stop());
  holder.script("BEGIN; SELECT FROM projection_checkpoints WHERE projection_name = 'revenue_p1' FOR UPDATE");
  auto changed = change_to(4);
  wait_for_lock_wait();
  const auto late = batch(0, 0, 30);
  auto committed = std::async(std::launch::async, [&] { return late->commit(); });
  ASSERT_TRUE(test::eventually([&] {
    return look("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
                "'Lock'") == "2";
  }));
  holder.exec("ROLLBACK");
  EXPECT_TRUE(changed.get().done);
  EXPECT_FALSE(committed.get());
  EXPECT_EQ(late->failure()->kind, Kind::Fenced) << late->failure()->text;
  late->rollback();
  EXPECT_EQ(TransactionTest::seen(), "");
  EXPECT_EQ(checkpoints(), "revenue_p0|0 revenue_p1|0 revenue_p2|0 revenue_p3|0");
}

TEST_F(RepartitionFenceTest, ABatchOfTheOldCountThatWakesUpCommitsNothing) {
  const auto fenced = batch(0, 0, 30);
  ASSERT_TRUE(change_to(4).get().done);
  EXPECT_FALSE(fenced->commit());
  EXPECT_EQ(fenced->failure()->kind, Kind::Fenced);
  EXPECT_EQ(fenced->failure()->text, "checkpoint revenue was repartitioned, reset or moved by an operator");
  fenced->rollback();
  ASSERT_TRUE(change_to(1).get().done);
  const auto moved = batch(1, 0, 30);
  EXPECT_FALSE(moved->commit());
  EXPECT_EQ(moved->failure()->kind, Kind::Moved);
  EXPECT_EQ(moved->failure()->text, "checkpoint revenue_p1 is not at 0 any more");
  moved->rollback();
  EXPECT_EQ(TransactionTest::seen(), "");
  EXPECT_EQ(checkpoints(), "revenue|0");
}

TEST_F(RepartitionFenceTest, BackAtTheOldCountTheEpochStillFences) {
  const auto old = batch(0, 0, 30);
  ASSERT_TRUE(change_to(4).get().done);
  ASSERT_TRUE(change_to(2).get().done);
  EXPECT_FALSE(old->commit());
  EXPECT_EQ(old->failure()->kind, Kind::Fenced);
  EXPECT_EQ(checkpoints(), "revenue_p0|0 revenue_p1|0");
}

TEST_F(RepartitionFenceTest, TellsWhoHoldsTheRows) {
  const std::string begin = "the checkpoints of revenue are locked by pid PID (psql, idle in transaction for 0 s: ";
  const std::string end = "; SELECT pg_terminate_backend(PID) ends it); nothing was changed: run this again when that "
                          "transaction has ended";
  for (const std::string held : {"SELECT pg_advisory_xact_lock(hashtext('projectord'), hashtext('revenue'))",
                                 "SELECT FROM projector_projections WHERE checkpoint = 'revenue' FOR UPDATE",
                                 "UPDATE projector_checkpoints SET position = 5 WHERE name = 'revenue_p1'",
                                 "SAVEPOINT a; UPDATE projection_checkpoints SET updated_at = now()"}) {
    EXPECT_EQ(refused_while(held), begin + held + end);
  }
  EXPECT_EQ(checkpoints(), "revenue_p0|0 revenue_p1|0");
  run("BEGIN; UPDATE projector_checkpoints SET position = 5 WHERE name = 'revenue_p1'; PREPARE TRANSACTION '" + dsn_ +
      "'");
  EXPECT_EQ(change_to(4, std::chrono::milliseconds(20)).get().refusal,
            "the checkpoints of revenue are locked by the prepared transaction '" + dsn_ +
                "' (COMMIT PREPARED or ROLLBACK PREPARED ends it); nothing was changed: run this again when that "
                "transaction has ended");
  run("ROLLBACK PREPARED '" + dsn_ + "'");
  EXPECT_TRUE(change_to(4).get().done);
}

TEST_F(RepartitionFenceTest, TwoAtOnceDoNotDisturbEachOther) {
  pg::Connection holder(options(), base::no_stop());
  holder.script("BEGIN; SELECT FROM projector_checkpoints WHERE name = 'revenue_p1' FOR UPDATE");
  auto first = change_to(4);
  wait_for_lock_wait();
  auto second = std::async(std::launch::async, [&] {
    pg::Connection connection(options(), base::no_stop());
    auto request = to("revenue", 4);
    request.lock_timeout = std::chrono::minutes(1);
    return repartition(connection, tables_, request);
  });
  ASSERT_TRUE(test::eventually([&] {
    return look("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
                "'Lock'") == "2";
  }));
  holder.exec("ROLLBACK");
  EXPECT_TRUE(first.get().done);
  EXPECT_EQ(second.get().refusal, "revenue has partitions = 4 already");
}

class RepartitionedWorkerTest : public WorkerTest {};

TEST_F(RepartitionedWorkerTest, AWorkerOfTheOldCountIsFencedAndThenRefused) {
  log_.add_up_to(20);
  projection_.partitions = 2;
  start("recorder");
  ASSERT_TRUE(test::eventually([&] { return checkpoints() == "seen_p0|20 seen_p1|0"; })) << checkpoints();
  const auto before = seen();
  ASSERT_TRUE(repartition(observer_, tables_, to("seen", 4)).done);
  log_.add_up_to(40);
  EXPECT_TRUE(reaches(State::Refused));
  EXPECT_EQ(
      worker_->status().reason.find("checkpoint seen was written with 4 partitions, the configuration says 2; set "
                                    "partitions = 4"),
      0u)
      << worker_->status().reason;
  EXPECT_EQ(seen(), before);
  EXPECT_EQ(checkpoints(), "seen_p0|20 seen_p1|0 seen_p2|20 seen_p3|0");
}

TEST_F(RepartitionedWorkerTest, AWorkerWithoutStatementsIsFencedToo) {
  log_.add_up_to(20);
  projection_.partitions = 2;
  start("noop");
  ASSERT_TRUE(test::eventually([&] { return checkpoints() == "seen_p0|20 seen_p1|0"; })) << checkpoints();
  ASSERT_TRUE(repartition(observer_, tables_, to("seen", 4)).done);
  log_.add_up_to(40);
  EXPECT_TRUE(reaches(State::Refused));
  EXPECT_EQ(checkpoints(), "seen_p0|20 seen_p1|0 seen_p2|20 seen_p3|0");
}

} // namespace
} // namespace projector::projection
