#include "projection/repartition.hpp"

#include "pg/projection/projection_test.hpp"

namespace projector::projection {
namespace {

using Behind = std::vector<PartitionBehind>;

class RepartitionTest : public ProjectionTest {
protected:
  /// Makes the checkpoints "seen", with partitions at these positions.
  void store(const std::vector<std::int64_t>& positions) {
    const auto partitions = static_cast<std::uint32_t>(positions.size());
    ASSERT_TRUE(open(request({"seen", 0, partitions})).checkpoint);
    ASSERT_TRUE(open(request({"other", 0, 2}, 1000, 7)).checkpoint);
    for (std::uint32_t partition = 0; partition < partitions; ++partition) {
      move(CheckpointKey{"seen", partition, partitions}.name(), positions[partition]);
    }
  }
  void move(const std::string& name, std::int64_t position) {
    const auto both = pg::Parameters{}.text(name).int8(position);
    observer_.exec("UPDATE projector_checkpoints SET position = $2, highest = $2 + 1 WHERE name = $1", both);
    observer_.exec("UPDATE projection_checkpoints SET last_global_position = $2 WHERE projection_name = $1", both);
  }
  static RepartitionRequest to(std::uint32_t partitions) {
    RepartitionRequest request;
    request.projection = "things";
    request.checkpoint = "seen";
    request.to = partitions;
    return request;
  }
  Repartition run_to(std::uint32_t partitions) { return repartition(observer_, tables_, to(partitions)); }
  std::string seen() {
    return table("SELECT name, partition, position, highest FROM projector_checkpoints WHERE checkpoint = 'seen' ORDER "
                 "BY partition");
  }
  std::string mirrored() {
    return table("SELECT projection_name, last_global_position FROM projection_checkpoints WHERE projection_name LIKE "
                 "'seen%' ORDER BY 1");
  }
  std::string count_and_epoch() {
    return table("SELECT partitions, epoch FROM projector_projections WHERE checkpoint = 'seen'");
  }
  std::string everything() {
    return seen() + " / " + mirrored() + " / " + count_and_epoch() + " / " +
           table("SELECT name, position FROM projector_checkpoints WHERE checkpoint = 'other' ORDER BY name");
  }
  void heartbeat(const std::string& name, int partition, const std::string& host, const std::string& state,
                 const std::string& age = "0 s") {
    observer_.exec("INSERT INTO projector_workers (name, host, projection, partition, partitions, state, plugin, "
                   "heartbeat) VALUES ($1, $2, 'things', $3, 2, $4, 'sums', now() - $5::interval)",
                   pg::Parameters{}.text(name).text(host).int4(partition).text(state).text(age));
  }
};

TEST_F(RepartitionTest, ASplitGoesOnWhereEachPartitionStood) {
  store({10, 20});
  const auto done = run_to(4);
  EXPECT_TRUE(done.done) << done.refusal;
  EXPECT_EQ(done.before, (std::vector<PartitionPosition>{{0, 10, 11}, {1, 20, 21}}));
  EXPECT_EQ(everything(), "seen_p0|0|10|11 seen_p1|1|20|21 seen_p2|2|10|11 seen_p3|3|20|21 / "
                          "seen_p0|10 seen_p1|20 seen_p2|10 seen_p3|20 / 4|2 / other_p0|7 other_p1|7");
  const auto opened = open(request({"seen", 2, 4}));
  ASSERT_TRUE(opened.checkpoint) << opened.refusal;
  EXPECT_EQ(opened.checkpoint->position, 10);
  EXPECT_EQ(opened.checkpoint->epoch, 2);
}

TEST_F(RepartitionTest, ASplitOfASingleOneChangesTheNames) {
  store({10});
  EXPECT_TRUE(run_to(3).done);
  EXPECT_EQ(everything(), "seen_p0|0|10|11 seen_p1|1|10|11 seen_p2|2|10|11 / seen_p0|10 seen_p1|10 seen_p2|10 / 3|2 / "
                          "other_p0|7 other_p1|7");
}

TEST_F(RepartitionTest, AMergeOfLevelPartitionsForgetsTheOthers) {
  store({10, 20, 10, 20});
  EXPECT_TRUE(run_to(2).done);
  EXPECT_EQ(everything(), "seen_p0|0|10|11 seen_p1|1|20|21 / seen_p0|10 seen_p1|20 / 2|2 / other_p0|7 other_p1|7");
  move("seen_p0", 20);
  EXPECT_TRUE(run_to(1).done);
  EXPECT_EQ(everything(), "seen|0|20|21 / seen|20 / 1|3 / other_p0|7 other_p1|7");
}

TEST_F(RepartitionTest, WhereSomebodyIsBehindNothingIsChanged) {
  store({10, 20, 30, 20});
  const auto before = everything();
  for (const bool change : {false, true}) {
    const auto answer = change ? run_to(2) : look_at_repartition(observer_, tables_, to(2));
    EXPECT_EQ(answer.refusal, "");
    EXPECT_FALSE(answer.done);
    EXPECT_EQ(answer.plan.behind, (Behind{{0, 10, 30}}));
    EXPECT_EQ(everything(), before);
  }
  EXPECT_EQ(run_to(3).plan.behind, (Behind{{0, 10, 30}, {1, 20, 30}, {3, 20, 30}}));
  move("seen_p0", 30);
  EXPECT_TRUE(run_to(2).done);
}

TEST_F(RepartitionTest, ALookLocksAndChangesNothing) {
  store({10, 20});
  const auto before = everything();
  pg::Connection other(options(), base::no_stop());
  other.script("BEGIN; UPDATE projector_checkpoints SET position = 99; UPDATE projector_projections SET epoch = 9");
  const auto seen = look_at_repartition(observer_, tables_, to(4));
  other.exec("ROLLBACK");
  EXPECT_EQ(seen.refusal, "");
  EXPECT_FALSE(seen.done);
  EXPECT_EQ(seen.read_model_version, 1);
  EXPECT_EQ(seen.plan.after.size(), 4u);
  EXPECT_EQ(everything(), before);
}

TEST_F(RepartitionTest, IsRefusedWithoutACheckpointAndForTheCountThatItHas) {
  EXPECT_EQ(run_to(4).refusal, "things has no checkpoint yet: set partitions = 4 in its configuration and start it");
  store({10, 20});
  EXPECT_EQ(run_to(2).refusal, "things has partitions = 2 already");
  EXPECT_EQ(count_and_epoch(), "2|1");
}

TEST_F(RepartitionTest, IsRefusedWhileAWorkerShowsLife) {
  store({10, 20});
  heartbeat("seen_p1", 1, "web1/4711", "live");
  heartbeat("seen_p0", 0, "web1/4711", "catching_up");
  heartbeat("seen_p0", 0, "web2/3", "failed");
  const auto refusal = run_to(4).refusal;
  EXPECT_EQ(refusal.find("things runs: host web1/4711 (partition 0, 1, catching_up, live, 0.0 s ago), host web2/3 "
                         "(partition 0, failed, 0.0 s ago); end its workers (stop the host, or set enabled = false in "
                         "[projection.things]) and run this again when \"projectorctl status\" shows none, or 5 s "
                         "after the last sign of life of a host that was killed"),
            0u)
      << refusal;
  EXPECT_EQ(look_at_repartition(observer_, tables_, to(4)).refusal.substr(0, 22), refusal.substr(0, 22));
  EXPECT_EQ(count_and_epoch(), "2|1");
  auto own = to(4);
  own.own_host = "web1/4711";
  EXPECT_EQ(repartition(observer_, tables_, own).refusal.substr(0, 24), "things runs: host web2/3");
}

TEST_F(RepartitionTest, WhoDoesNotRunIsNoHindrance) {
  store({10, 20});
  heartbeat("seen_p0", 0, "a", "stopped");
  heartbeat("seen_p1", 1, "a", "refused");
  heartbeat("seen", 0, "a", "missing");
  heartbeat("seen_p0", 0, "killed", "live", "6 s");
  heartbeat("other_p0", 0, "a", "live");
  EXPECT_EQ(run_to(4).refusal, "");
  EXPECT_EQ(count_and_epoch(), "4|2");
}

TEST_F(RepartitionTest, IsRefusedWhereTheTwoTablesDiffer) {
  store({10, 20});
  const auto refusal = [&] {
    const auto before = everything();
    auto text = run_to(4).refusal;
    EXPECT_EQ(everything(), before);
    return text;
  };
  run("UPDATE projection_checkpoints SET last_global_position = 21 WHERE projection_name = 'seen_p1'");
  EXPECT_EQ(refusal(),
            "checkpoint seen_p1 was moved by another program: public.projection_checkpoints says 21, this host's last "
            "position is 20; stop that program. If the events up to 21 have been handled, continue after them: UPDATE "
            "public.projector_checkpoints SET position = 21, highest = greatest(highest, 21) WHERE "
            "name = 'seen_p1' AND position = 20. To handle the events above 20 here, too: UPDATE "
            "public.projection_checkpoints SET last_global_position = 20 WHERE projection_name = 'seen_p1' AND "
            "last_global_position = 21");
  run("DELETE FROM projection_checkpoints WHERE projection_name = 'seen_p1'");
  EXPECT_EQ(
      refusal(),
      "the row seen_p1 is missing in public.projection_checkpoints: the partition would start from the beginning; "
      "start its workers once with the old partition count, then run this again");
  run("DELETE FROM projector_checkpoints WHERE name = 'seen_p0'");
  EXPECT_EQ(refusal(),
            "the row seen_p0 is missing in public.projector_checkpoints: the partition would start from the beginning; "
            "start its workers once with the old partition count, then run this again");
}

TEST_F(RepartitionTest, ANameThatSomebodyElseHasIsNotTaken) {
  store({10, 20});
  run("INSERT INTO projection_checkpoints (projection_name, last_global_position) VALUES ('seen_p3', 5)");
  EXPECT_EQ(run_to(4).refusal, "public.projection_checkpoints has a row seen_p3 that no partition of seen wrote; if no "
                               "other program needs it, run DELETE FROM public.projection_checkpoints WHERE "
                               "projection_name = 'seen_p3'");
  ASSERT_TRUE(open(request({"seen_p2", 0, 1})).checkpoint);
  EXPECT_EQ(run_to(4).refusal, "seen_p2 is a checkpoint of seen_p2 in public.projector_checkpoints; give one of the "
                               "two another `checkpoint`");
  EXPECT_EQ(count_and_epoch(), "2|1");
}

TEST_F(RepartitionTest, WhatIsLeftOfAnOlderCountGoes) {
  store({10, 20});
  run("INSERT INTO projector_checkpoints VALUES ('seen_p2', 'seen', 2, 3, 3), ('seen_p7', 'seen', 7, 3, 3)");
  EXPECT_TRUE(run_to(4).done);
  EXPECT_EQ(seen(), "seen_p0|0|10|11 seen_p1|1|20|21 seen_p2|2|10|11 seen_p3|3|20|21");
}

} // namespace
} // namespace projector::projection
