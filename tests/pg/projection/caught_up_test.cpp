#include "supervisor/caught_up.hpp"

#include "pg/projection/projection_test.hpp"
#include "unit/projection/fake_event_log.hpp"

#include <poll.h>

#include <map>
#include <mutex>

namespace projector::projection {
namespace {

using Names = std::vector<std::string>;

class CaughtUpTest : public ProjectionTest {
protected:
  void SetUp() override {
    log_.set_settled(100);
    ASSERT_TRUE(open(request({"a", 0, 1})).checkpoint);
    ASSERT_TRUE(open(request({"b", 0, 2})).checkpoint);
  }
  void TearDown() override { caught_up_.reset(); }
  void start(std::optional<Names> names) {
    set_names(std::move(names));
    caught_up_.emplace(options(), tables_, log_, [this]() -> std::optional<supervisor::Outlook> {
      const std::lock_guard lock(mutex_);
      ++checks_;
      return names_ ? std::optional(supervisor::Outlook{
                          .checkpoints = *names_, .stuck = stuck_, .opening = {}, .refused = refused_})
                    : std::nullopt;
    });
  }
  void set_names(std::optional<Names> names) {
    const std::lock_guard lock(mutex_);
    names_ = std::move(names);
  }
  void set_stuck(std::map<std::string, std::string> stuck, Names refused = {}) {
    const std::lock_guard lock(mutex_);
    stuck_ = std::move(stuck);
    refused_ = std::move(refused);
  }
  int checks() {
    const std::lock_guard lock(mutex_);
    return checks_;
  }
  /// Whether it still has not reported it after a few more checks.
  bool waits() {
    const int before = checks();
    EXPECT_TRUE(test::eventually([&] { return checks() >= before + 3; }));
    return !readable(0);
  }
  bool readable(int milliseconds = 30000) {
    pollfd wait{caught_up_->fd(), POLLIN, 0};
    return ::poll(&wait, 1, milliseconds) == 1;
  }
  void set_position(const std::string& name, std::int64_t position) {
    observer_.exec("UPDATE projector_checkpoints SET position = $2 WHERE name = $1",
                   pg::Parameters{}.text(name).int8(position));
  }

  test::FakeEventLog log_;
  std::mutex mutex_; ///< guards what follows
  std::optional<Names> names_;
  std::map<std::string, std::string> stuck_;
  Names refused_;
  int checks_ = 0;
  std::optional<supervisor::CaughtUp> caught_up_;
};

TEST_F(CaughtUpTest, WaitsForEveryCheckpointWhoeverMovesIt) {
  start(Names{"a", "b_p0", "b_p1"});
  EXPECT_TRUE(waits());
  EXPECT_EQ(caught_up_->behind(), (Names{"a at 0 of 100", "b_p0 at 0 of 100", "b_p1 at 0 of 100"}));
  set_position("a", 150);
  set_position("b_p1", 100);
  set_position("b_p0", 99);
  EXPECT_TRUE(waits());
  EXPECT_EQ(caught_up_->behind(), Names{"b_p0 at 99 of 100"});
  set_position("b_p0", 100);
  EXPECT_TRUE(readable());
  EXPECT_EQ(caught_up_->behind(), Names{});
}

TEST_F(CaughtUpTest, WhatIsCommittedLaterDoesNotCount) {
  start(Names{"a"});
  EXPECT_TRUE(waits());
  log_.set_settled(500);
  set_position("a", 100);
  EXPECT_TRUE(readable());
}

TEST_F(CaughtUpTest, ACheckpointThatIsNotThereBlocks) {
  start(Names{"absent"});
  EXPECT_TRUE(waits());
  EXPECT_EQ(caught_up_->behind(), Names{"absent has no checkpoint"});
}

TEST_F(CaughtUpTest, NothingIsReachedWhileTheNamesAreNotKnown) {
  start(std::nullopt);
  EXPECT_TRUE(waits());
  EXPECT_EQ(caught_up_->behind(), Names{"what was committed at the start is not settled yet"});
  set_names(Names{});
  EXPECT_TRUE(readable()) << "no projection, nothing to wait for";
}

TEST_F(CaughtUpTest, EndsStuckOnceNothingThatIsLeftMovesByItself) {
  set_stuck({{"b_p1", "failed: it broke"}}, {"c: refused: its file"});
  start(Names{"a", "b_p0", "b_p1"});
  EXPECT_TRUE(waits());
  set_position("a", 100);
  EXPECT_TRUE(waits()) << "b_p0 can still move";
  set_stuck({{"b_p0", "missing: no file"}, {"b_p1", "failed: it broke"}}, {"c: refused: its file"});
  EXPECT_TRUE(readable());
  EXPECT_EQ(caught_up_->result(), supervisor::CaughtUp::Result::Stuck);
  EXPECT_EQ(caught_up_->behind(), (Names{"b_p0 at 0 of 100: missing: no file", "b_p1 at 0 of 100: failed: it broke",
                                         "c: refused: its file"}));
}

TEST_F(CaughtUpTest, WhatIsRefusedWithoutACheckpointCountsOnceTheRestHasCaughtUp) {
  set_stuck({}, {"c: refused: its file"});
  start(Names{"a"});
  EXPECT_TRUE(waits());
  set_position("a", 100);
  EXPECT_TRUE(readable());
  EXPECT_EQ(caught_up_->result(), supervisor::CaughtUp::Result::Stuck);
  EXPECT_EQ(caught_up_->behind(), Names{"c: refused: its file"});
}

TEST_F(CaughtUpTest, WhatFailedBeforeAndHasCaughtUpIsNoTrouble) {
  set_stuck({{"a", "failed: by what came later"}});
  set_position("a", 100);
  start(Names{"a"});
  EXPECT_TRUE(readable());
  EXPECT_EQ(caught_up_->result(), supervisor::CaughtUp::Result::Reached);
}

TEST_F(CaughtUpTest, CheckpointsThatCannotBeReadEndItWithTheReason) {
  start(Names{"a"});
  EXPECT_TRUE(waits());
  run("ALTER TABLE projector_checkpoints RENAME COLUMN position TO elsewhere");
  EXPECT_TRUE(readable());
  EXPECT_EQ(caught_up_->result(), supervisor::CaughtUp::Result::Stuck);
  ASSERT_FALSE(caught_up_->behind().empty());
  EXPECT_NE(caught_up_->behind().back().find("the stored checkpoints cannot be read: "), std::string::npos);
}

TEST_F(CaughtUpTest, AnErrorOfWhatItAsksEndsItWithTheReason) {
  caught_up_.emplace(options(), tables_, log_,
                     []() -> std::optional<supervisor::Outlook> { throw std::runtime_error("no outlook"); });
  EXPECT_TRUE(readable());
  EXPECT_EQ(caught_up_->result(), supervisor::CaughtUp::Result::Stuck);
  EXPECT_EQ(caught_up_->behind().back(), "no outlook");
}

TEST_F(CaughtUpTest, ALostSessionIsMadeAgain) {
  start(Names{"a"});
  EXPECT_TRUE(waits());
  run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
      "pg_backend_pid()");
  set_position("a", 100);
  EXPECT_TRUE(readable());
}

TEST_F(CaughtUpTest, AReadModelThatIsToBeRebuiltHasNotCaughtUp) {
  set_position("a", 100);
  run("UPDATE projector_projections SET rebuild_requested = 1 WHERE checkpoint = 'a'");
  start(Names{"a"});
  EXPECT_TRUE(waits());
  EXPECT_EQ(caught_up_->behind(), Names{"a waits for its rebuild, which has not begun"});
  run("UPDATE projector_projections SET rebuild_requested = 0 WHERE checkpoint = 'a'");
  EXPECT_TRUE(readable());
}

} // namespace
} // namespace projector::projection
