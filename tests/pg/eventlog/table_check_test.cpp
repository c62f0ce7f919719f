#include "store_test.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace projector::eventlog {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using TableCheck = StoreTest;

/// The part of a message that is to be run.
std::string cure_in(const std::string& refusal, const std::string& end) {
  const auto begin = refusal.find("Cure: ") + 6;
  return refusal.substr(begin, refusal.find(end, begin) - begin);
}

TEST_F(TableCheck, ColumnsThatAllowNull) {
  admin_->script("ALTER TABLE events ALTER payload DROP NOT NULL; ALTER TABLE events ALTER created_at DROP NOT NULL");
  const auto found = refusal();
  EXPECT_EQ(found, "columns that every event needs allow NULL: payload, created_at of public.events; one event without "
                   "such a value would stop all projections. Cure: ALTER TABLE public.events ALTER COLUMN payload SET "
                   "NOT NULL, ALTER COLUMN created_at SET NOT NULL (rows that have NULL there get a value first)");
  admin_->script(cure_in(found, " (rows"));
  open();
}

TEST_F(TableCheck, NoUniqueIndexOnThePosition) {
  admin_->script("ALTER TABLE events DROP CONSTRAINT events_pkey; CREATE INDEX ON events (global_position); "
                 "CREATE UNIQUE INDEX ON events (global_position) WHERE global_position > 5; "
                 "CREATE UNIQUE INDEX ON events (event_id, global_position)");
  const auto found = refusal();
  EXPECT_THAT(found, StartsWith("no unique index begins with global_position: public.events; each poll would read the "
                                "whole table, and two events could have one position. Cure: CREATE UNIQUE INDEX "
                                "CONCURRENTLY ON public.events (global_position) (where "));
  admin_->script(cure_in(found, " (where"));
  open();
}

TEST_F(TableCheck, AnInvalidUniqueIndexIsNamedAndReplaced) {
  admin_->script(
      "ALTER TABLE events DROP CONSTRAINT events_pkey; SELECT emit(2); UPDATE events SET global_position = 1");
  EXPECT_THROW(admin_->exec("CREATE UNIQUE INDEX CONCURRENTLY positions ON events (global_position)"), pg::Error);
  admin_->exec("UPDATE events SET global_position = 2 WHERE event_id = (SELECT event_id FROM events LIMIT 1)");
  const auto found = refusal();
  EXPECT_THAT(found, HasSubstr("public.events (public.positions is not valid: its CREATE INDEX failed); "));
  const auto cure = cure_in(found, " (where");
  const auto second = cure.find("; ");
  admin_->exec(cure.substr(0, second));
  admin_->exec(cure.substr(second + 2));
  expect_all_delivered(*open());
}

TEST_F(TableCheck, UnloggedTableOrSequence) {
  admin_->exec("ALTER TABLE events SET UNLOGGED");
  auto found = refusal();
  EXPECT_THAT(found, StartsWith("public.events is UNLOGGED or temporary: a crash of the server empties it"));
  admin_->exec(cure_in(found, "\n"));
  open();
  admin_->exec("ALTER SEQUENCE events_global_position_seq SET UNLOGGED");
  found = refusal();
  EXPECT_THAT(found, StartsWith("the sequence public.events_global_position_seq is UNLOGGED"));
  admin_->exec(cure_in(found, "\n"));
  open();
}

TEST_F(TableCheck, SequenceBelowOne) {
  admin_->exec("ALTER SEQUENCE events_global_position_seq MINVALUE 0 RESTART 0");
  const auto found = refusal();
  EXPECT_THAT(found, StartsWith("the sequence public.events_global_position_seq stands below 1"));
  admin_->exec(cure_in(found, " (where"));
  EXPECT_EQ(emit(*admin_, 3), 3);
  expect_all_delivered(*open());
}

TEST_F(TableCheck, EventsBelowOneAreMovedToTheEnd) {
  admin_->script("ALTER SEQUENCE events_global_position_seq MINVALUE -9 RESTART -2; SELECT emit(5)");
  const auto ids = [&](const char* order) {
    return std::string(
        admin_->exec(std::string("SELECT string_agg(event_id::text, ' ' ORDER BY ") + order + ") FROM events")
            .bytes(0, 0));
  };
  const auto expected = ids("global_position < 1, global_position");
  const auto found = refusal();
  EXPECT_THAT(found, StartsWith("public.events has an event at position -2, and positions begin at 1: "));
  admin_->exec(cure_in(found, "\n").substr(cure_in(found, "\n").find("UPDATE")));
  EXPECT_EQ(ids("global_position"), expected);
  EXPECT_EQ(stored(), (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
  expect_all_delivered(*open());
}

TEST_F(TableCheck, EventsBelowOneHaltARunningLog) {
  const auto log = open();
  const auto writer = session();
  writer->exec("BEGIN");
  admin_->exec("ALTER SEQUENCE events_global_position_seq MINVALUE 0 RESTART 0");
  ASSERT_TRUE(test::eventually([&] { return log->snapshot().halted.find("stands below 1") != std::string::npos; }));
  emit(*writer);
  writer->exec("COMMIT");
  ASSERT_TRUE(
      test::eventually([&] { return log->snapshot().halted.find("an event at position 0,") != std::string::npos; }));
  const auto halted = log->snapshot().halted;
  admin_->exec(halted.substr(halted.find("UPDATE")));
  ASSERT_TRUE(test::eventually([&] { return log->snapshot().halted.empty(); }));
  expect_all_delivered(*log);
}

/// SQL_ASCII: text may have bytes of any encoding, and the server does not convert them.
TEST_F(TableCheck, DatabaseWithoutAnEncoding) {
  const std::string name = "ascii_" + std::to_string(admin_->backend_pid());
  admin_->exec("CREATE DATABASE " + name + " ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  const std::string old = dsn_;
  const auto lead_to = [&](const std::string& database) {
    const auto at = old.find("dbname=");
    dsn_ = old.substr(0, at) + "dbname=" + database + old.substr(old.find(' ', at));
  };
  lead_to(name);
  admin_ = session();
  install();
  emit(*admin_, 3);
  const auto found = refusal();
  EXPECT_THAT(found, StartsWith("the event store's database " + name + " has encoding SQL_ASCII"));
  const auto cure = cure_in(found, "; then ");
  admin_->exec(cure);
  const auto ascii = dsn_;
  lead_to(name + "_utf8");
  const auto dump = "export PATH=$PATH:/usr/lib/postgresql/15/bin; pg_dump '" + ascii +
                    "' | psql --quiet --set=ON_ERROR_STOP=1 '" + dsn_ + "' > /dev/null";
  ASSERT_EQ(std::system(dump.c_str()), 0) << dump;
  admin_ = session();
  expect_all_delivered(*open());
}

} // namespace
} // namespace projector::eventlog
