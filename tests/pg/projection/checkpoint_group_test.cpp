#include "projection/checkpoint_group.hpp"

#include "pg/projection/projection_test.hpp"

#include <ostream>

namespace projector::projection {

void PrintTo(MoveAnswer answer, std::ostream* out) {
  *out << (answer == MoveAnswer::Written ? "Written" : answer == MoveAnswer::Busy ? "Busy" : "Moved");
}

namespace {

using Answers = std::vector<MoveAnswer>;
constexpr auto kWritten = MoveAnswer::Written;
constexpr auto kBusy = MoveAnswer::Busy;
constexpr auto kMoved = MoveAnswer::Moved;

class CheckpointGroupTest : public ProjectionTest {
protected:
  void SetUp() override {
    for (const char* base : {"a", "b", "c"}) {
      ASSERT_TRUE(open(request({base, 0, 1})).checkpoint);
    }
  }
  static GroupedMove move(const std::string& base, std::int64_t stored, std::int64_t position, std::int64_t epoch = 1) {
    return {{base, 0, 1}, stored, position, epoch};
  }
  Answers write(const std::vector<GroupedMove>& moves) {
    auto answers = write_checkpoints(observer_, tables_, moves);
    EXPECT_TRUE(observer_.at_rest());
    return answers;
  }
  pg::Connection other_{options(), base::no_stop()};
};

TEST_F(CheckpointGroupTest, WritesManyAndTheirMirrors) {
  EXPECT_EQ(write({move("b", 0, 20), move("a", 0, 10)}), (Answers{kWritten, kWritten}));
  EXPECT_EQ(checkpoints(), "a|10 b|20 c|0");
  EXPECT_EQ(mirror(), "a|10 b|20 c|0");
  EXPECT_EQ(write({move("a", 10, 15), move("b", 20, 25), move("c", 0, 35)}), (Answers{kWritten, kWritten, kWritten}));
  EXPECT_EQ(checkpoints(), "a|15 b|25 c|35");
  EXPECT_EQ(look("SELECT highest FROM projector_checkpoints WHERE name = 'c'"), "35");
  EXPECT_EQ(write({}), Answers{});
}

TEST_F(CheckpointGroupTest, WritesPartitions) {
  ASSERT_TRUE(open(request({"p", 0, 100})).checkpoint);
  std::vector<GroupedMove> moves;
  for (std::uint32_t partition = 0; partition < 100; ++partition) {
    moves.push_back({{"p", partition, 100}, 0, 1 + partition, 1});
  }
  EXPECT_EQ(write(moves), Answers(100, kWritten));
  EXPECT_EQ(look("SELECT sum(position) FROM projector_checkpoints WHERE checkpoint = 'p'"), "5050");
  EXPECT_EQ(look("SELECT sum(last_global_position) FROM projection_checkpoints WHERE projection_name ~ '^p_p'"),
            "5050");
}

TEST_F(CheckpointGroupTest, TheHighestPositionStaysWhenOneGoesBack) {
  write({move("a", 0, 100)});
  run("UPDATE projector_checkpoints SET position = 10 WHERE name = 'a'; UPDATE projection_checkpoints SET "
      "last_global_position = 10 WHERE projection_name = 'a'");
  EXPECT_EQ(write({move("a", 10, 20)}), Answers{kWritten});
  EXPECT_EQ(look("SELECT highest FROM projector_checkpoints WHERE name = 'a'"), "100");
}

TEST_F(CheckpointGroupTest, WhatIsNotWhereItWasLeftIsMovedAndTheOthersAreWritten) {
  write({move("a", 0, 10), move("b", 0, 10), move("c", 0, 10)});
  EXPECT_EQ(write({move("a", 9, 20), move("b", 10, 20, 2), move("c", 10, 20)}), (Answers{kMoved, kMoved, kWritten}));
  EXPECT_EQ(checkpoints(), "a|10 b|10 c|20");
  EXPECT_EQ(mirror(), "a|10 b|10 c|20");
  run("UPDATE projector_projections SET partitions = 2 WHERE checkpoint = 'a'; "
      "DELETE FROM projector_checkpoints WHERE name = 'b'");
  EXPECT_EQ(write({move("a", 10, 20), move("b", 10, 20), move("c", 20, 30)}), (Answers{kMoved, kMoved, kWritten}));
  run("DELETE FROM projector_projections WHERE checkpoint = 'c'");
  EXPECT_EQ(write({move("c", 30, 40)}), Answers{kMoved});
}

TEST_F(CheckpointGroupTest, AMirrorThatSomebodyElseMovedIsNotOverwritten) {
  run("UPDATE projection_checkpoints SET last_global_position = 5 WHERE projection_name = 'a'; "
      "DELETE FROM projection_checkpoints WHERE projection_name = 'b'");
  EXPECT_EQ(write({move("a", 0, 20), move("b", 0, 20), move("c", 0, 20)}), (Answers{kMoved, kMoved, kWritten}));
  EXPECT_EQ(checkpoints(), "a|0 b|0 c|20");
  EXPECT_EQ(mirror(), "a|5 c|20");
}

TEST_F(CheckpointGroupTest, ALockedRowIsBusyAndNobodyWaits) {
  other_.script("BEGIN; SELECT FROM projector_checkpoints WHERE name = 'a' FOR UPDATE; "
                "SELECT FROM projection_checkpoints WHERE projection_name = 'b' FOR UPDATE");
  EXPECT_EQ(write({move("a", 0, 20), move("b", 0, 20), move("c", 0, 20)}), (Answers{kBusy, kBusy, kWritten}));
  EXPECT_EQ(checkpoints(), "a|0 b|0 c|20");
  EXPECT_EQ(mirror(), "a|0 b|0 c|20");
  other_.script("COMMIT");
  EXPECT_EQ(write({move("a", 0, 20), move("b", 0, 20)}), (Answers{kWritten, kWritten}));
}

TEST_F(CheckpointGroupTest, WhatTheHolderOfALockChangedIsSeen) {
  other_.script("BEGIN; UPDATE projector_checkpoints SET position = 7 WHERE name = 'a'");
  EXPECT_EQ(write({move("a", 0, 20)}), Answers{kBusy});
  other_.script("COMMIT");
  EXPECT_EQ(write({move("a", 0, 20)}), Answers{kMoved});
}

TEST_F(CheckpointGroupTest, OfTwoMovesOfOneRowTheFirstCounts) {
  EXPECT_EQ(write({move("a", 0, 20), move("a", 0, 30)}), (Answers{kWritten, kMoved}));
  EXPECT_EQ(checkpoints(), "a|20 b|0 c|0");
}

TEST_F(CheckpointGroupTest, AFailureIsThrownAndWritesNothing) {
  run("ALTER TABLE projection_checkpoints ADD CHECK (last_global_position < 100)");
  EXPECT_THROW(write_checkpoints(observer_, tables_, {move("a", 0, 10), move("b", 0, 100)}), pg::Error);
  EXPECT_TRUE(observer_.at_rest()) << "the session is of use afterwards";
  EXPECT_EQ(checkpoints(), "a|0 b|0 c|0");
}

TEST_F(CheckpointGroupTest, TheMirrorsTimeMovesAtMostOnceASecond) {
  run("UPDATE projection_checkpoints SET updated_at = now() + interval '1 hour' WHERE projection_name = 'a'; "
      "UPDATE projection_checkpoints SET updated_at = now() - interval '1 hour' WHERE projection_name = 'b'");
  write({move("a", 0, 20), move("b", 0, 20)});
  EXPECT_EQ(
      look("SELECT updated_at > now() + interval '59 minutes' FROM projection_checkpoints WHERE projection_name = "
           "'a'"),
      "t");
  EXPECT_EQ(look("SELECT updated_at > now() - interval '1 minute' FROM projection_checkpoints WHERE projection_name = "
                 "'b'"),
            "t");
}

} // namespace
} // namespace projector::projection
