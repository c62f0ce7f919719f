#include "projection/checkpoint_tracker.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace projector::projection {
namespace {

using Answer = Handover::Answer;
using Finding = CheckpointTracker::Finding;

/// A tracker of partition 1 of 2, opened at position 10 in epoch 3, and a checkpoint writer whose answers a test
/// sets.
class CheckpointTrackerTest : public ::testing::Test {
protected:
  struct Submitted {
    GroupedMove move;
    std::uint64_t incarnation;
    base::TimePoint read_at;
  };
  static std::optional<Checkpoint> row(std::int64_t position, std::int64_t epoch = 3) {
    return Checkpoint{.position = position, .highest = position, .epoch = epoch};
  }
  void open(std::optional<CheckpointTracker::Reset> reset = std::nullopt) {
    tracker_.open(*row(10), {.store = "7000/1/2", .incarnation = 1}, std::move(reset));
  }
  void answer(Answer answer) { handover_->set(answer); }
  void SetUp() override { open(); }

  std::shared_ptr<Handover> handover_;
  std::vector<Submitted> submitted_;
  CheckpointTracker tracker_{{.base = "seen", .partition = 1, .partitions = 2},
                             std::chrono::hours(1),
                             [this](GroupedMove move, std::uint64_t incarnation, base::TimePoint read_at) {
                               submitted_.push_back({std::move(move), incarnation, read_at});
                               return handover_ = std::make_shared<Handover>();
                             }};
  const base::TimePoint read_at_ = base::Clock::now() - std::chrono::seconds(5);
};

TEST_F(CheckpointTrackerTest, AnOpenedRowIsWhereEverythingIsStored) {
  EXPECT_EQ(tracker_.position(), 10);
  EXPECT_EQ(tracker_.stored(), 10);
  EXPECT_TRUE(tracker_.all_stored());
  EXPECT_EQ(tracker_.store(), "7000/1/2");
  EXPECT_GT(tracker_.due(base::Clock::now()), base::Clock::now() + std::chrono::hours(2));
  tracker_.hand_over();
  EXPECT_EQ(tracker_.handover(), nullptr) << "there is nothing to store";
}

TEST_F(CheckpointTrackerTest, WhatIsHandedOverIsTheWholeWayWithItsOldestRead) {
  tracker_.handled(12, 1, read_at_ + std::chrono::seconds(1));
  tracker_.handled(15, 2, read_at_);
  tracker_.handled(20, 2, read_at_ + std::chrono::seconds(2));
  tracker_.hand_over();
  ASSERT_EQ(submitted_.size(), 1u);
  EXPECT_EQ(submitted_[0].move.key.name(), "seen_p1");
  EXPECT_EQ(submitted_[0].move.stored, 10);
  EXPECT_EQ(submitted_[0].move.position, 20);
  EXPECT_EQ(submitted_[0].move.epoch, 3);
  EXPECT_EQ(submitted_[0].incarnation, 2u);
  EXPECT_EQ(submitted_[0].read_at, read_at_);
}

TEST_F(CheckpointTrackerTest, OneHandoverIsPendingAtATime) {
  tracker_.handled(20, 1, read_at_);
  tracker_.hand_over();
  tracker_.handled(30, 1, read_at_);
  tracker_.hand_over();
  EXPECT_EQ(submitted_.size(), 1u);
  EXPECT_EQ(tracker_.take_answer(), Answer::Pending);
  EXPECT_EQ(tracker_.stored(), 10);
  answer(Answer::Written);
  EXPECT_EQ(tracker_.take_answer(), Answer::Written);
  EXPECT_EQ(tracker_.stored(), 20);
  EXPECT_EQ(tracker_.position(), 30);
  tracker_.hand_over();
  ASSERT_EQ(submitted_.size(), 2u);
  EXPECT_EQ(submitted_[1].move.stored, 20);
  EXPECT_EQ(submitted_[1].move.position, 30);
}

TEST_F(CheckpointTrackerTest, ItIsDueAnIntervalAfterWhatWasStoredLast) {
  tracker_.handled(20, 1, read_at_);
  EXPECT_LE(tracker_.due(base::Clock::now()), base::Clock::now() + std::chrono::hours(1));
  tracker_.committed(30, 1);
  EXPECT_GT(tracker_.due(base::Clock::now()), base::Clock::now() + std::chrono::hours(2)) << "all is stored";
}

TEST_F(CheckpointTrackerTest, ALostStoreLeavesItHandledAndNotStored) {
  tracker_.handled(20, 1, read_at_);
  tracker_.hand_over();
  answer(Answer::StoreLost);
  EXPECT_EQ(tracker_.take_answer(), Answer::StoreLost);
  EXPECT_FALSE(tracker_.all_stored());
  tracker_.close();
  EXPECT_EQ(tracker_.position(), 10);
}

TEST_F(CheckpointTrackerTest, AMovedRowMayHaveBeenMovedByAnEarlierAttemptOfTheWriter) {
  tracker_.handled(20, 1, read_at_);
  tracker_.hand_over();
  tracker_.handled(25, 1, read_at_);
  answer(Answer::Moved);
  EXPECT_EQ(tracker_.take_answer(), Answer::Moved);
  EXPECT_EQ(tracker_.found(row(20)), Finding::Committed);
  EXPECT_EQ(tracker_.stored(), 20);
  EXPECT_EQ(tracker_.position(), 25) << "what was handled since is not forgotten";
}

TEST_F(CheckpointTrackerTest, ALostAnswerToCommitIsToldByTheRow) {
  tracker_.handled(12, 1, read_at_);
  tracker_.commit_lost(20, 2);
  EXPECT_EQ(tracker_.position(), 12);
  EXPECT_EQ(tracker_.found(row(20)), Finding::Committed);
  EXPECT_EQ(tracker_.position(), 20);
  EXPECT_EQ(tracker_.stored(), 20);
  EXPECT_EQ(tracker_.incarnation(), 2u);
  EXPECT_EQ(tracker_.move_to(30, base::TimePoint::max()).events_read_at, base::TimePoint::max())
      << "what was handled before was stored with it";

  tracker_.commit_lost(30, 2);
  EXPECT_EQ(tracker_.found(row(20)), Finding::Unchanged);
  EXPECT_EQ(tracker_.position(), 20);
}

TEST_F(CheckpointTrackerTest, ADoubtIsOverOnceTheRowWasRead) {
  tracker_.commit_lost(20, 1);
  EXPECT_EQ(tracker_.found(row(10)), Finding::Unchanged);
  EXPECT_EQ(tracker_.found(row(20)), Finding::Moved) << "only another host can have moved it there";
  // Once the checkpoint was opened again, a position that was handed over before is no longer in doubt either.
  tracker_.handled(20, 1, read_at_);
  tracker_.hand_over();
  answer(Answer::StoreLost);
  tracker_.take_answer();
  tracker_.close();
  open();
  EXPECT_EQ(tracker_.found(row(20)), Finding::Moved);
  EXPECT_EQ(tracker_.stored(), 10);
}

TEST_F(CheckpointTrackerTest, TheRowTellsWhoMovedIt) {
  EXPECT_EQ(tracker_.found(row(10)), Finding::Unchanged);
  EXPECT_EQ(tracker_.found(row(9)), Finding::CommitsLost);
  EXPECT_EQ(tracker_.found(row(11)), Finding::Moved);
  EXPECT_EQ(tracker_.found(row(10, 4)), Finding::Reset);
  EXPECT_EQ(tracker_.found(std::nullopt), Finding::Reset);
  tracker_.commit_lost(20, 1);
  EXPECT_EQ(tracker_.found(row(20, 4)), Finding::Reset) << "a position of another epoch is not this one's commit";
}

TEST_F(CheckpointTrackerTest, ADoubtDoesNotKeepWhatIsHandledFromBeingHandedOver) {
  tracker_.handled(15, 1, read_at_);
  tracker_.commit_lost(20, 1);
  tracker_.hand_over();
  ASSERT_EQ(submitted_.size(), 1u);
  EXPECT_EQ(submitted_[0].move.stored, 10);
  EXPECT_EQ(submitted_[0].move.position, 15);
}

TEST_F(CheckpointTrackerTest, ATransactionMovesItFromWhatIsStored) {
  tracker_.handled(15, 1, read_at_);
  const auto move = tracker_.move_to(20, read_at_ + std::chrono::seconds(1));
  EXPECT_EQ(move.from, 10);
  EXPECT_EQ(move.to, 20);
  EXPECT_EQ(move.epoch, 3);
  EXPECT_EQ(move.events_read_at, read_at_) << "the events handled before are stored with it";
  EXPECT_FALSE(move.reset);
  EXPECT_FALSE(tracker_.committed(20, 1));
  EXPECT_EQ(tracker_.move_to(30, base::TimePoint::max()).events_read_at, base::TimePoint::max());
}

TEST_F(CheckpointTrackerTest, AResetIsDueUntilATransactionHasCarriedItOut) {
  open(CheckpointTracker::Reset{.start = 2, .read_model_version = 7, .store = "7000/1/2"});
  EXPECT_TRUE(tracker_.reset_due());
  EXPECT_EQ(tracker_.position(), 2);
  EXPECT_EQ(tracker_.stored(), 10);
  tracker_.handled(15, 1, read_at_);
  tracker_.hand_over();
  EXPECT_TRUE(submitted_.empty()) << "only the transaction of the reset moves the row";
  const auto move = tracker_.move_to(20, base::TimePoint::max());
  ASSERT_TRUE(move.reset);
  EXPECT_EQ(move.reset->read_model_version, 7u);
  EXPECT_EQ(move.epoch, 3);
  const auto reset = tracker_.committed(20, 1);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->start, 2);
  EXPECT_FALSE(tracker_.reset_due());
  EXPECT_EQ(tracker_.move_to(30, base::TimePoint::max()).epoch, 4) << "the reset has raised it";
}

TEST_F(CheckpointTrackerTest, AProjectionsRowThatWasReadLaterOutdatesIt) {
  StoredProjections read;
  read.queried_at = base::Clock::now() - std::chrono::hours(1);
  EXPECT_FALSE(tracker_.outdated_by(read)) << "it was read before the checkpoint was opened";
  read.queried_at = base::Clock::now() + std::chrono::seconds(1);
  EXPECT_TRUE(tracker_.outdated_by(read)) << "the row is gone";
  read.by_checkpoint["seen"] = {.partitions = 2, .epoch = 3};
  EXPECT_FALSE(tracker_.outdated_by(read));
  read.by_checkpoint["seen"].epoch = 4;
  EXPECT_TRUE(tracker_.outdated_by(read));
  read.by_checkpoint["seen"] = {.partitions = 3, .epoch = 3};
  EXPECT_TRUE(tracker_.outdated_by(read));
}

TEST_F(CheckpointTrackerTest, ATransitionFromAnyOtherStateThrowsAndChangesNothing) {
  EXPECT_THROW(tracker_.take_answer(), std::logic_error);
  tracker_.handled(20, 1, read_at_);
  tracker_.hand_over();
  EXPECT_THROW(tracker_.committed(30, 1), std::logic_error);
  EXPECT_THROW(tracker_.commit_lost(30, 1), std::logic_error);
  EXPECT_THROW(tracker_.found(row(10)), std::logic_error);
  EXPECT_EQ(tracker_.position(), 20);
  EXPECT_EQ(tracker_.stored(), 10);
  answer(Answer::Written);
  EXPECT_EQ(tracker_.take_answer(), Answer::Written);
  open(CheckpointTracker::Reset{});
  EXPECT_THROW(tracker_.commit_lost(30, 1), std::logic_error) << "opening it again tells whether the reset took place";
}

} // namespace
} // namespace projector::projection
