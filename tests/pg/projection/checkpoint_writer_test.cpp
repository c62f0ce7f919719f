#include "projection/checkpoint_writer.hpp"

#include "pg/projection/projection_test.hpp"
#include "unit/projection/fake_event_log.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace projector::projection {
namespace {

using Answer = Handover::Answer;
using testing::HasSubstr;

class CheckpointWriterTest : public ProjectionTest {
protected:
  void SetUp() override {
    ASSERT_TRUE(open(request({"a", 0, 1})).checkpoint);
    ASSERT_TRUE(open(request({"b", 0, 1})).checkpoint);
  }
  void TearDown() override { writer_.reset(); }
  CheckpointWriter::Options wanted() {
    CheckpointWriter::Options wanted;
    wanted.connect = options();
    wanted.connect.application_name = "checkpoints";
    wanted.lock_timeout = std::chrono::milliseconds(50);
    wanted.report = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(text);
    };
    return wanted;
  }
  void start() { writer_.emplace(wanted(), tables_, log_); }
  std::shared_ptr<Handover> submit(const std::string& base, std::int64_t stored, std::int64_t position,
                                   std::uint64_t incarnation = 1) {
    return writer_->submit({{base, 0, 1}, stored, position, 1}, incarnation, base::Clock::now());
  }
  static Answer wait(const std::shared_ptr<Handover>& handover) {
    return handover->wait(base::no_stop(), std::chrono::seconds(30));
  }
  std::vector<std::string> reports() {
    const std::lock_guard lock(mutex_);
    return reports_;
  }

  test::FakeEventLog log_;
  std::mutex mutex_; ///< guards reports_
  std::vector<std::string> reports_;
  std::optional<CheckpointWriter> writer_;
};

TEST_F(CheckpointWriterTest, WritesWhatIsHandedOver) {
  start();
  EXPECT_EQ(wait(submit("a", 0, 10)), Answer::Written);
  EXPECT_EQ(checkpoints(), "a|10 b|0");
  EXPECT_EQ(mirror(), "a|10 b|0");
  EXPECT_EQ(wait(submit("a", 10, 20)), Answer::Written);
  EXPECT_EQ(checkpoints(), "a|20 b|0");
}

TEST_F(CheckpointWriterTest, TellsThatACheckpointWasMoved) {
  start();
  EXPECT_EQ(wait(submit("a", 5, 10)), Answer::Moved);
  EXPECT_EQ(checkpoints(), "a|0 b|0");
}

TEST_F(CheckpointWriterTest, AnswersManyAtOnce) {
  constexpr std::uint32_t kMany = 200;
  ASSERT_TRUE(open(request({"p", 0, kMany})).checkpoint);
  start();
  std::vector<std::thread> threads;
  std::atomic<int> written = 0;
  for (std::uint32_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t partition = thread; partition < kMany; partition += 4) {
        const auto handover = writer_->submit({{"p", partition, kMany}, 0, partition + 1, 1}, 1, base::Clock::now());
        written += wait(handover) == Answer::Written ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(written, static_cast<int>(kMany));
  EXPECT_EQ(look("SELECT sum(position) FROM projector_checkpoints WHERE checkpoint = 'p'"), "20100");
}

TEST_F(CheckpointWriterTest, ABusyRowWaitsAndTheOthersDoNot) {
  start();
  pg::Connection holder(options(), base::no_stop());
  holder.script("BEGIN; SELECT FROM projector_checkpoints WHERE name = 'a' FOR UPDATE");
  const auto busy = submit("a", 0, 10);
  EXPECT_EQ(wait(submit("b", 0, 10)), Answer::Written);
  EXPECT_EQ(wait(submit("b", 10, 20)), Answer::Written);
  EXPECT_EQ(busy->answer(), Answer::Pending);
  holder.script("COMMIT");
  EXPECT_EQ(wait(busy), Answer::Written);
}

TEST_F(CheckpointWriterTest, EventsOfALostStoreAreNotStored) {
  start();
  log_.reconnect();
  EXPECT_EQ(wait(submit("a", 0, 10, 1)), Answer::StoreLost);
  EXPECT_EQ(checkpoints(), "a|0 b|0");
  EXPECT_EQ(wait(submit("a", 0, 10, 2)), Answer::Written);
}

TEST_F(CheckpointWriterTest, ASessionYoungerThanTheEventsAsksTheLog) {
  const auto before = base::Clock::now();
  start();
  EXPECT_EQ(wait(writer_->submit({{"a", 0, 1}, 0, 10, 1}, 1, before)), Answer::Written);
  EXPECT_EQ(log_.confirmations, 1);
  EXPECT_EQ(wait(submit("a", 10, 20)), Answer::Written);
  EXPECT_EQ(log_.confirmations, 1) << "this session would have died with the server";
  log_.confirms = false;
  EXPECT_EQ(wait(writer_->submit({{"a", 0, 1}, 20, 30, 1}, 1, before)), Answer::StoreLost);
}

TEST_F(CheckpointWriterTest, AReadModelElsewhereNeedsNoConfirmation) {
  const auto before = base::Clock::now();
  auto elsewhere = wanted();
  elsewhere.same_server = false;
  writer_.emplace(elsewhere, tables_, log_);
  log_.confirms = false;
  EXPECT_EQ(wait(writer_->submit({{"a", 0, 1}, 0, 10, 1}, 1, before)), Answer::Written);
}

TEST_F(CheckpointWriterTest, ALostSessionIsMadeAgainAndTheAnswerComes) {
  start();
  EXPECT_EQ(wait(submit("a", 0, 10)), Answer::Written);
  look("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'checkpoints' AND datname = "
       "current_database()");
  EXPECT_EQ(wait(submit("a", 10, 20)), Answer::Written);
  EXPECT_EQ(checkpoints(), "a|20 b|0");
}

TEST_F(CheckpointWriterTest, WhatTheServerRefusesIsReportedOnceAndAnsweredWhenItIsCured) {
  start();
  run("ALTER TABLE projection_checkpoints RENAME TO away");
  const auto handover = submit("a", 0, 10);
  EXPECT_TRUE(test::eventually([&] { return !reports().empty(); }));
  EXPECT_EQ(handover->answer(), Answer::Pending);
  run("ALTER TABLE away RENAME TO projection_checkpoints");
  EXPECT_EQ(wait(handover), Answer::Written);
  ASSERT_EQ(reports().size(), 1u);
  EXPECT_EQ(reports()[0], "a: its checkpoint cannot be written: relation \"public.projection_checkpoints\" does not "
                          "exist");
}

TEST_F(CheckpointWriterTest, EndsThoughAStatementHangs) {
  start();
  EXPECT_EQ(wait(submit("a", 0, 10)), Answer::Written);
  run("BEGIN; LOCK TABLE projector_checkpoints");
  const auto handover = submit("a", 10, 20);
  wait_for_lock_wait();
  writer_.reset();
  EXPECT_EQ(handover->answer(), Answer::Pending);
  run("ROLLBACK");
  EXPECT_EQ(checkpoints(), "a|10 b|0");
}

TEST_F(CheckpointWriterTest, EndsWithoutAServer) {
  auto nowhere = wanted();
  nowhere.connect.dsn = "host=/nonexistent dbname=x";
  writer_.emplace(nowhere, tables_, log_);
  const auto handover = submit("a", 0, 10);
  EXPECT_TRUE(test::eventually([&] { return !reports().empty(); }));
  writer_.reset();
  EXPECT_EQ(handover->answer(), Answer::Pending);
  EXPECT_EQ(reports().size(), 1u);
}

TEST_F(CheckpointWriterTest, OneRowThatCannotBeWrittenStopsNoOther) {
  run("ALTER TABLE projection_checkpoints ADD CHECK (projection_name <> 'a' OR last_global_position < 100)");
  start();
  const auto refused = submit("a", 0, 100);
  const auto good = submit("b", 0, 100);
  EXPECT_EQ(wait(good), Answer::Written);
  EXPECT_TRUE(test::eventually([&] { return !refused->trouble().empty(); }));
  EXPECT_THAT(refused->trouble(), HasSubstr("violates check constraint"));
  EXPECT_EQ(wait(submit("b", 100, 200)), Answer::Written);
  EXPECT_EQ(refused->answer(), Answer::Pending);
  EXPECT_EQ(good->trouble(), "");
}

TEST_F(CheckpointWriterTest, WhoLocksATableIsNamed) {
  start();
  pg::Connection holder({.dsn = dsn_, .application_name = "psql", .settings = {}}, base::no_stop());
  holder.script("BEGIN; LOCK TABLE projection_checkpoints IN SHARE MODE");
  const auto handover = submit("a", 0, 10);
  EXPECT_TRUE(test::eventually([&] { return !handover->trouble().empty(); }));
  EXPECT_THAT(handover->trouble(),
              HasSubstr(fmt::format("pid {} (psql, idle in transaction for", holder.backend_pid())));
  EXPECT_THAT(handover->trouble(), HasSubstr("holds ShareLock on projection_checkpoints"));
  ASSERT_EQ(reports().size(), 1u);
  EXPECT_EQ(reports()[0], "a: " + handover->trouble());
  holder.script("COMMIT");
  EXPECT_EQ(wait(handover), Answer::Written);
  EXPECT_EQ(handover->trouble(), "");
}

TEST_F(CheckpointWriterTest, WhoWaitsForALockAndBlocksEverybodyBehindIsNamed) {
  start();
  pg::Connection reader(options(), base::no_stop());
  reader.script("BEGIN; SELECT FROM projector_checkpoints");
  auto altering = std::async(std::launch::async, [&] {
    pg::Connection waiting(options(), base::no_stop());
    waiting.script("ALTER TABLE projector_checkpoints ADD COLUMN note text");
  });
  wait_for_lock_wait();
  const auto handover = submit("a", 0, 10);
  EXPECT_TRUE(test::eventually([&] { return !handover->trouble().empty(); }));
  EXPECT_THAT(handover->trouble(), HasSubstr(fmt::format("waits for AccessExclusiveLock on projector_checkpoints "
                                                         "behind pid {}",
                                                         reader.backend_pid())));
  reader.script("COMMIT");
  altering.get();
  EXPECT_EQ(wait(handover), Answer::Written);
}

TEST(HandoverTest, AWaitEndsWithAStop) {
  Handover handover;
  base::Stop stop;
  stop.request();
  EXPECT_EQ(handover.wait(stop, std::chrono::hours(1)), Answer::Pending);
  EXPECT_EQ(handover.wait(base::no_stop(), base::Duration::zero()), Answer::Pending);
}

} // namespace
} // namespace projector::projection
