#include "store_test.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace projector::eventlog {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Rows that the store check keeps out, and that came in after the start.
class OddRows : public StoreTest {
protected:
  static base::TimePoint far() { return base::Clock::now() + std::chrono::seconds(60); }
  void update(const std::string& what, std::int64_t position) {
    admin_->exec("UPDATE events SET " + what + " WHERE global_position = " + std::to_string(position));
  }
  /// Expects that the follower reaches position - 1, is halted there with `reason`, and goes on to the end after the
  /// cure; `end` is the highest position before it.
  void expect_stop(EventLog& log, Follower& follower, std::int64_t position, const std::string& reason,
                   const std::string& cure, std::int64_t end) {
    follower.read_to(position - 1);
    const auto next = follower.cursor().next(position - 1, far(), base::no_stop());
    ASSERT_EQ(next.status, Cursor::Status::Halted);
    EXPECT_THAT(next.reason, StartsWith(reason));
    // Every cursor that reaches it is halted, and a call without a wait reports that each time.
    EXPECT_EQ(log.cursor({}, false, {})->next(position - 1, far(), base::no_stop()).reason, next.reason);
    EXPECT_EQ(follower.cursor().next(position - 1, base::Clock::now(), base::no_stop()).reason, next.reason);
    EXPECT_TRUE(test::eventually([&] { return log.settled() == end; }));
    // Who is past it is not disturbed.
    Follower(log, {}, false, position).read_to(end);
    admin_->script(cure);
    follower.read_to(stored().back());
    EXPECT_EQ(follower.positions(), stored());
    EXPECT_FALSE(reports_.any_holds("lost")) << reports_.all();
    EXPECT_EQ(log.incarnation(), 1u);
  }
};

TEST_F(OddRows, NullInARequiredColumnIsNamed) {
  for (const std::string column : {"payload", "aggregate_version", "bounded_context", "event_id"}) {
    admin_->exec("DELETE FROM events");
    admin_->exec("SELECT setval('events_global_position_seq', 1, false)");
    const auto log = open();
    Follower follower(*log);
    admin_->exec("ALTER TABLE events ALTER " + column + " DROP NOT NULL");
    const auto writer = session();
    writer->exec("BEGIN");
    emit(*writer, 5);
    writer->exec("UPDATE events SET " + column + " = NULL WHERE global_position = 3");
    writer->exec("COMMIT");
    const std::string value = column == "payload"             ? "''"
                              : column == "aggregate_version" ? "3"
                              : column == "event_id"          ? "gen_random_uuid()"
                                                              : "'shop'";
    expect_stop(*log, follower, 3,
                fmt::format("the event at position 3 of public.events cannot be handled: column {0}: it is NULL, and "
                            "every event has a value there. Cure: UPDATE public.events SET {0} = .. WHERE "
                            "global_position = 3",
                            column),
                fmt::format("UPDATE public.events SET {} = {} WHERE global_position = 3", column, value), 5);
    admin_->exec("ALTER TABLE events ALTER " + column + " SET NOT NULL");
  }
}

TEST_F(OddRows, NullInTheBacklogIsNamedAndWhatComesBeforeIsHandedOver) {
  emit(*admin_, 3000);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  admin_->exec("ALTER TABLE events ALTER payload DROP NOT NULL");
  update("payload = NULL", 2500);
  Follower follower(*log);
  expect_stop(*log, follower, 2500, "the event at position 2500 of public.events cannot be handled: column payload",
              "UPDATE events SET payload = '' WHERE global_position = 2500", 3000);
}

TEST_F(OddRows, AFilteredStragglerIsToldToo) {
  emit(*admin_, 10);
  admin_->exec("SELECT setval('events_global_position_seq', 200000)");
  emit(*admin_);
  auto with = options();
  with.stored_settled = [](const StoreIdentity&) { return 200001; };
  const auto log = open(with);
  admin_->exec("ALTER TABLE events ALTER payload DROP NOT NULL");
  update("payload = NULL", 7);
  Filter filter;
  filter.event_types = {"created"};
  Follower follower(*log, filter);
  const auto expect_reason = [&](std::int64_t after) {
    const auto next = follower.cursor().next(after, far(), base::no_stop());
    EXPECT_EQ(next.status, Cursor::Status::Halted);
    EXPECT_THAT(next.reason, HasSubstr("at position 7 of public.events"));
  };
  follower.read_to(6);
  expect_reason(6);
  update("payload = ''", 7);
  follower.read_to(200001);
  EXPECT_EQ(follower.positions(), stored());
}

TEST_F(OddRows, OnePositionTwiceIsNamedAndNeitherIsLost) {
  const auto log = open();
  Follower follower(*log);
  admin_->exec("ALTER TABLE events DROP CONSTRAINT events_pkey");
  admin_->script("CREATE INDEX ON events (global_position); BEGIN; SELECT emit(5); UPDATE events SET global_position = "
                 "3 WHERE global_position = 4; COMMIT");
  expect_stop(*log, follower, 3,
              "the event at position 3 of public.events cannot be handled: another row has the same position. Cure: "
              "give one of those rows a position of its own",
              "UPDATE events SET global_position = nextval('public.events_global_position_seq') WHERE event_id = "
              "(SELECT event_id FROM events WHERE global_position = 3 LIMIT 1); CREATE UNIQUE INDEX ON events "
              "(global_position)",
              5);
  EXPECT_EQ(follower.positions(), (std::vector<std::int64_t>{1, 2, 3, 5, 6}));
}

TEST_F(OddRows, OnePositionTwiceWhereverItLies) {
  // Also where the rows of a query, of the tail's or of a history reader's, or those of a segment end with the first
  // one.
  for (const int position : {2, 64, 128, 256, 999, 1000, 1001}) {
    for (const bool live : {true, false}) {
      admin_->exec("DELETE FROM events");
      admin_->exec("SELECT setval('events_global_position_seq', 1, false)");
      auto with = options();
      with.memory = 1 << 20;
      const auto log = open(with);
      Follower before(*log);
      admin_->exec("ALTER TABLE events DROP CONSTRAINT events_pkey");
      admin_->script("BEGIN; CREATE INDEX plain ON events (global_position); SELECT emit(1200); UPDATE events SET "
                     "global_position = " +
                     std::to_string(position) + " WHERE global_position = " + std::to_string(position + 1) +
                     "; COMMIT");
      ASSERT_TRUE(test::eventually([&] { return log->settled() == 1200; }));
      Follower after(*log);
      expect_stop(*log, live ? before : after, position,
                  "the event at position " + std::to_string(position) +
                      " of public.events cannot be handled: another row has the same position",
                  "UPDATE events SET global_position = nextval('public.events_global_position_seq') WHERE event_id = "
                  "(SELECT event_id FROM events WHERE global_position = " +
                      std::to_string(position) +
                      " LIMIT 1); DROP INDEX plain; ALTER TABLE events ADD PRIMARY KEY (global_position)",
                  1200);
    }
  }
}

TEST_F(OddRows, OnePositionTwiceInAGap) {
  const auto log = open();
  Follower follower(*log);
  admin_->exec("ALTER TABLE events DROP CONSTRAINT events_pkey");
  admin_->exec("CREATE INDEX plain ON events (global_position)");
  const auto first = session(), second = session();
  first->exec("BEGIN");
  emit(*first, 3);
  second->exec("BEGIN");
  emit(*second, 1);
  emit(*admin_, 2);
  await_gap(*log);
  first->exec("UPDATE events SET global_position = 2 WHERE global_position = 3");
  first->exec("COMMIT");
  second->exec("COMMIT");
  EXPECT_TRUE(test::eventually([&] { return log->settled() == 6; }));
  expect_stop(*log, follower, 2, "the event at position 2 of public.events cannot be handled: another row has",
              "UPDATE events SET global_position = nextval('public.events_global_position_seq') WHERE event_id = "
              "(SELECT event_id FROM events WHERE "
              "global_position = 2 LIMIT 1); ALTER TABLE events ADD PRIMARY KEY (global_position)",
              6);
}

/// A database with an encoding in which some bytes are not characters.
class OddBytes : public OddRows {
protected:
  OddBytes() {
    admin_->exec("CREATE DATABASE " + name_ + " ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    const auto at = dsn_.find("dbname=");
    dsn_ = dsn_.substr(0, at) + "dbname=" + name_ + dsn_.substr(dsn_.find(' ', at));
    admin_ = session();
    install();
  }
  const std::string name_ = "win_" + std::to_string(admin_->backend_pid());
};

TEST_F(OddBytes, AByteThatDoesNotConvertIsNamed) {
  const auto log = open();
  Follower follower(*log);
  admin_->script("SET client_encoding = 'WIN1252'; BEGIN; SELECT emit(5); UPDATE events SET aggregate_id = "
                 "convert_from('\\x6181', 'WIN1252') WHERE global_position = 4; COMMIT");
  expect_stop(*log, follower, 4,
              "the event at position 4 of public.events cannot be handled: column aggregate_id: character with byte "
              "sequence 0x81 in encoding \"WIN1252\" has no equivalent in encoding \"UTF8\"",
              "UPDATE events SET aggregate_id = 'a' WHERE global_position = 4", 5);
}

TEST_F(OddBytes, InAGapThatIsFilled) {
  const auto first = session();
  first->exec("BEGIN");
  emit(*first, 3);
  first->exec("UPDATE events SET trace_id = convert_from('\\x6181', 'WIN1252') WHERE global_position = 2");
  emit(*admin_, 3);
  const auto log = open();
  await_gap(*log);
  first->exec("COMMIT");
  Follower follower(*log);
  expect_stop(*log, follower, 2, "the event at position 2 of public.events cannot be handled: column trace_id: ",
              "UPDATE events SET trace_id = NULL WHERE global_position = 2", 6);
}

TEST_F(OddBytes, InTheBacklog) {
  emit(*admin_, 3000);
  update("metadata = to_jsonb(convert_from('\\x6181', 'WIN1252'))", 2800);
  auto with = options();
  with.stored_settled = [](const StoreIdentity&) { return 3000; };
  const auto log = open(with);
  Follower follower(*log);
  expect_stop(*log, follower, 2800, "the event at position 2800 of public.events cannot be handled: column metadata: ",
              "UPDATE events SET metadata = NULL WHERE global_position = 2800", 3000);
}

} // namespace
} // namespace projector::eventlog
