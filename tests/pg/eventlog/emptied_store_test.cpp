#include "store_test.hpp"

#include <gmock/gmock.h>

#include <mutex>

namespace projector::eventlog {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// What another life of the host has kept, and tables that were emptied since.
class EmptiedStore : public StoreTest {
protected:
  /// Reads everything, and keeps what a host keeps.
  void run_a_host() {
    const auto log = open(with_memory());
    ASSERT_TRUE(log->settle(base::no_stop()));
    ASSERT_TRUE(test::eventually([&] { return log->durable_settled() == log->settled(); }));
    RememberedStore kept;
    kept.settled = log->durable_settled();
    kept.marks = parse_marks(marks_text(log->marks()));
    kept.store = log->identity().store;
    keep(std::move(kept));
  }
  /// What the log is told from now on; also while one runs.
  void keep(RememberedStore kept) {
    const std::lock_guard lock(mutex_);
    kept_ = std::move(kept);
  }
  EventLogOptions with_memory() {
    auto with = options();
    with.stored_settled = [this](const StoreIdentity&) {
      const std::lock_guard lock(mutex_);
      return kept_;
    };
    return with;
  }
  void emit_one_by_one(int count) {
    for (int n = 0; n < count; ++n) {
      emit(*admin_);
    }
  }
  RememberedStore kept_; ///< changed by keep() only
  std::mutex mutex_;
};

TEST_F(EmptiedStore, FilledBeyondWhatIsRememberedIsRefused) {
  emit(*admin_, 5);
  run_a_host();
  ASSERT_EQ(kept_.settled, 5);
  admin_->script("TRUNCATE events RESTART IDENTITY; SELECT emit(8)");
  const auto found = refusal(with_memory());
  EXPECT_THAT(found, StartsWith("position 5 of public.events has event "));
  EXPECT_THAT(found, HasSubstr("INSERT INTO projector_stores (store, timeline, settled) VALUES ('" + kept_.store +
                               "#2', 1, 0); each projection then says how it is rebuilt"));
  // What an operator then says.
  RememberedStore another;
  another.store = open()->identity().store + "#2";
  keep(another);
  const auto log = open(with_memory());
  EXPECT_EQ(log->identity().store, kept_.store);
  expect_all_delivered(*log);
}

TEST_F(EmptiedStore, FilledInTheSameTransactionARunningLogHaltsUntilItIsANewStore) {
  emit(*admin_, 5);
  run_a_host();
  const auto log = open(with_memory());
  Follower follower(*log);
  follower.read_to(5);
  emit(*admin_);
  follower.read_to(6);
  admin_->script("BEGIN; TRUNCATE events RESTART IDENTITY; SELECT emit(20); COMMIT");
  ASSERT_TRUE(test::eventually([&] { return !log->snapshot().halted.empty(); }));
  EXPECT_THAT(log->snapshot().halted, HasSubstr("the table was emptied and filled again"));
  EXPECT_LE(log->settled(), 6);
  const auto base = log->identity().store;
  RememberedStore another;
  another.store = base + "#2";
  keep(another);
  ASSERT_TRUE(test::eventually([&] { return log->snapshot().halted.empty() && log->identity().store == base + "#2"; }));
  expect_all_delivered(*log);
}

TEST_F(EmptiedStore, EmptiedWithoutARestartGoesOn) {
  emit(*admin_, 5);
  run_a_host();
  const auto log = open(with_memory());
  admin_->script("TRUNCATE events; SELECT emit(3)");
  Follower follower(*log, {}, false, 5);
  follower.read_to(8);
  EXPECT_EQ(follower.positions(), stored());
  EXPECT_EQ(log->incarnation(), 1u);
  run_a_host();
  EXPECT_EQ(kept_.settled, 8);
}

TEST_F(EmptiedStore, ErasedEventsAreNotAnotherStore) {
  emit_one_by_one(40);
  for (int day = 0; day < 3; ++day) {
    run_a_host();
    admin_->exec("DELETE FROM events WHERE global_position = (SELECT max(global_position) FROM events)");
    admin_->exec("UPDATE events SET payload = '' WHERE global_position = (SELECT max(global_position) FROM events)");
    emit(*admin_);
  }
  run_a_host();
  admin_->exec("DELETE FROM events");
  run_a_host();
  emit(*admin_);
  run_a_host();
}

TEST_F(EmptiedStore, ARewrittenTableIsTheSame) {
  emit(*admin_, 5);
  run_a_host();
  const auto log = open(with_memory());
  admin_->exec("VACUUM FULL events");
  emit(*admin_);
  expect_all_delivered(*log);
  EXPECT_EQ(log->incarnation(), 1u);
}

/// DELETE gives the table no new file, so polls do not notice it; the regular comparison of marks does.
TEST_F(EmptiedStore, DeletedAndFilledBetweenTwoPollsIsFound) {
  emit(*admin_, 5);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  admin_->script(
      "BEGIN; DELETE FROM events; ALTER SEQUENCE events_global_position_seq RESTART; SELECT emit(9); COMMIT");
  ASSERT_TRUE(test::eventually([&] { return !log->snapshot().halted.empty(); }));
  EXPECT_THAT(log->snapshot().halted, StartsWith("position 5 of public.events has event "));
}

TEST_F(EmptiedStore, SequenceSetBackOffersANewStoreToo) {
  emit(*admin_, 5);
  run_a_host();
  admin_->script("TRUNCATE events RESTART IDENTITY; SELECT emit(2)");
  EXPECT_THAT(refusal(with_memory()), HasSubstr("#2', 1, 0); each projection then says how it is rebuilt"));
}

TEST_F(EmptiedStore, AnotherTimelineIsRefusedWhereTheReadModelIsElsewhere) {
  emit(*admin_, 5);
  run_a_host();
  kept_.timeline = 1;
  open(with_memory());
  kept_.timeline = 7;
  EXPECT_THAT(
      refusal(with_memory()),
      StartsWith("the event store is on timeline 1, and the read model, which is on another server, has followed "
                 "timeline 7: a stand-by was promoted or a backup restored, and events that were handled may be "
                 "missing. Cure: where none is missing (a planned switch-over, synchronous replication): UPDATE "
                 "projector_stores SET timeline = 1 WHERE store = '" +
                 kept_.store + "'; else, to begin anew"));
}

TEST(EventMarks, AFewOfTheEventsThatWereReadAtOnceAreKept) {
  std::vector<projector_event> events(9);
  for (std::size_t at = 0; at < events.size(); ++at) {
    events[at].global_position = static_cast<std::int64_t>(100 + at);
    events[at].event_id[0] = 0xab;
    events[at].event_id[15] = static_cast<std::uint8_t>(at);
  }
  std::vector<EventMark> marks = {{.position = 108, .event_id = "seen before"}};
  add_marks(marks, events);
  add_marks(marks, {});
  EXPECT_EQ(marks_text(marks), "100:ab000000-0000-0000-0000-000000000000 102:ab000000-0000-0000-0000-000000000002 "
                               "104:ab000000-0000-0000-0000-000000000004 106:ab000000-0000-0000-0000-000000000006 "
                               "108:seen before");
}

TEST(EventMarks, ManyAreThinnedOutTowardsTheOldOnes) {
  std::vector<EventMark> marks;
  for (std::int64_t position = 1; position <= 100000; ++position) {
    add_mark(marks, {.position = position, .event_id = "e" + std::to_string(position)});
  }
  ASSERT_LE(marks.size(), 16u);
  EXPECT_EQ(marks.front().position, 1);
  EXPECT_EQ(marks.back().position, 100000);
  EXPECT_GE(marks[marks.size() - 2].position, 99990);
  EXPECT_EQ(parse_marks(marks_text(marks)), marks);
  EXPECT_TRUE(parse_marks("nothing that is one: 12 :x 3x:y").empty());
}

} // namespace
} // namespace projector::eventlog
