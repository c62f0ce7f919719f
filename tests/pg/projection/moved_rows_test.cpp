#include "projection/moved_rows.hpp"

#include "pg/projection/projection_test.hpp"

#include <algorithm>

namespace projector::projection {
namespace {

class MovedRowsTest : public ProjectionTest {
protected:
  /// Moves a checkpoint like a worker.
  void set_position(const std::string& name, std::int64_t position) {
    observer_.exec("UPDATE projector_checkpoints SET position = $2, highest = greatest(highest, $2) WHERE name = $1",
                   pg::Parameters{}.text(name).int8(position));
    observer_.exec("UPDATE projection_checkpoints SET last_global_position = $2 WHERE projection_name = $1",
                   pg::Parameters{}.text(name).int8(position));
  }
  /// The statement in a refusal that skips the handled events, or the one that handles them again.
  static std::string cure_in(const std::string& refusal, bool again) {
    const auto at = refusal.find(again ? "To handle the events above " : "continue after them");
    EXPECT_NE(at, std::string::npos) << refusal;
    const auto begin = refusal.find(": ", at) + 2;
    return refusal.substr(begin, refusal.find(". To", begin) - begin);
  }

  const CheckpointKey one_{"revenue", 0, 1};
};

TEST_F(MovedRowsTest, ARowMovedBySomebodyElseIsRefused) {
  open(request(one_));
  set_position("revenue", 50);
  run("UPDATE projection_checkpoints SET last_global_position = 60");
  const auto refused = open(request(one_));
  EXPECT_FALSE(refused.checkpoint);
  EXPECT_EQ(refused.refusal,
            "checkpoint revenue was moved by another program: public.projection_checkpoints says 60, this host's last "
            "position is 50; stop that program. If the events up to 60 have been handled, continue after them: UPDATE "
            "public.projector_checkpoints SET position = 60, highest = greatest(highest, 60) "
            "WHERE name = 'revenue' AND position = 50. To handle the events above 50 here, too: UPDATE "
            "public.projection_checkpoints SET last_global_position = 50 WHERE projection_name = "
            "'revenue' AND last_global_position = 60");
  EXPECT_FALSE(refused.above_store);
}

TEST_F(MovedRowsTest, TheCuresOfAMovedRowGoOnAfterWhatHasBeenHandledOrHandleItAgain) {
  for (const std::int64_t theirs : {60, 40}) {
    for (const bool again : {false, true}) {
      run("DELETE FROM projector_projections; DELETE FROM projector_checkpoints; DELETE FROM projection_checkpoints");
      open(request(one_));
      set_position("revenue", 50);
      run("UPDATE projection_checkpoints SET last_global_position = " + std::to_string(theirs));
      run(cure_in(open(request(one_)).refusal, again));
      const auto opened = open(request(one_));
      ASSERT_TRUE(opened.checkpoint) << opened.refusal;
      EXPECT_EQ(opened.checkpoint->position,
                again ? std::min<std::int64_t>(50, theirs) : std::max<std::int64_t>(50, theirs));
      EXPECT_EQ(opened.checkpoint->highest, again && theirs < 50 ? 50 : opened.checkpoint->position);
    }
  }
}

TEST_F(MovedRowsTest, OneStatementOfARefusalCuresAllPartitionsThatWereMovedAlike) {
  const auto partition = [](std::uint32_t number) { return request({"revenue", number, 4}); };
  for (const bool forward : {true, false}) {
    for (const bool again : {true, false}) {
      run("DELETE FROM projector_projections; DELETE FROM projector_checkpoints; DELETE FROM projection_checkpoints");
      open(partition(0));
      run("UPDATE projector_checkpoints SET position = 50 + partition, highest = 50 + partition; UPDATE "
          "projection_checkpoints m SET last_global_position = position FROM projector_checkpoints c WHERE "
          "c.name = projection_name");
      run(std::string("UPDATE projection_checkpoints SET last_global_position = last_global_position") +
          (forward ? " + 10" : " - 10") + " WHERE projection_name IN ('revenue_p1', 'revenue_p2')");
      run(std::string("UPDATE projection_checkpoints SET last_global_position = ") + (forward ? "5" : "95") +
          " WHERE projection_name = 'revenue_p3'");
      const auto refusal = open(partition(2)).refusal;
      EXPECT_NE(refusal.find("It also moved revenue_p1 (" + std::string(forward ? "61" : "41") +
                             " and 51), and each of these statements is for all of them."),
                std::string::npos)
          << refusal;
      run(cure_in(refusal, again));
      const bool to_mirrored = forward != again;
      const std::string moved = !to_mirrored ? "revenue_p1|51 revenue_p2|52"
                                : forward    ? "revenue_p1|61 revenue_p2|62"
                                             : "revenue_p1|41 revenue_p2|42";
      EXPECT_EQ(checkpoints(), "revenue_p0|50 " + moved + " revenue_p3|53");
      EXPECT_EQ(mirror(), "revenue_p0|50 " + moved + " revenue_p3|" + (forward ? "5" : "95"));
      EXPECT_TRUE(open(partition(1)).checkpoint);
      EXPECT_TRUE(open(partition(2)).checkpoint);
      EXPECT_NE(open(partition(3)).refusal, "") << "it was moved in the other direction and has a cure of its own";

      // A second run, later, does not set back a checkpoint that has moved on meanwhile.
      set_position("revenue_p1", 70);
      run(cure_in(refusal, again));
      EXPECT_EQ(look("SELECT position FROM projector_checkpoints WHERE name = 'revenue_p1'"), "70");
      EXPECT_EQ(look("SELECT last_global_position FROM projection_checkpoints WHERE projection_name = 'revenue_p1'"),
                "70");
    }
  }
}

} // namespace
} // namespace projector::projection
