#include "store_test.hpp"

#include <gmock/gmock.h>

namespace projector::eventlog {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Refusals : public StoreTest {
protected:
  std::string role() const { return "role_" + std::to_string(admin_->backend_pid()); }
};

TEST_F(Refusals, SequenceOptionsAreListedTogether) {
  admin_->exec("ALTER SEQUENCE events_global_position_seq CACHE 20 CYCLE");
  EXPECT_EQ(refusal(),
            "the sequence public.events_global_position_seq has CACHE 20 (sessions use positions that they drew long "
            "before) and CYCLE (positions would start again), so the order of positions does not follow the order of "
            "drawing them. Cure: ALTER SEQUENCE public.events_global_position_seq CACHE 1 NO CYCLE");
}

TEST_F(Refusals, FallingSequence) {
  admin_->exec("ALTER SEQUENCE events_global_position_seq INCREMENT BY -1 MINVALUE -100 MAXVALUE 100");
  EXPECT_THAT(refusal(), HasSubstr("has INCREMENT BY -1 (positions would fall)"));
  admin_->exec("ALTER SEQUENCE events_global_position_seq INCREMENT BY 10");
  emit(*admin_);
  emit(*admin_, 3);
  expect_all_delivered(*open());
}

TEST_F(Refusals, MissingTable) {
  auto with = options();
  with.events_table = "other.events";
  EXPECT_THAT(refusal(with), StartsWith("the event store has no table other.events that role "));
  with.events_table = "a.b.c.d";
  EXPECT_THAT(refusal(with), StartsWith("event_store.events_table = \"a.b.c.d\" is not the name of a table: "));
}

TEST_F(Refusals, View) {
  admin_->exec("CREATE VIEW all_events AS SELECT * FROM events");
  auto with = options();
  with.events_table = "all_events";
  EXPECT_THAT(refusal(with), StartsWith("public.all_events is not a table (pg_class.relkind is 'v')"));
}

TEST_F(Refusals, ColumnsAreListedTogether) {
  admin_->script("ALTER TABLE events DROP COLUMN trace_id; ALTER TABLE events ALTER payload TYPE text USING ''; "
                 "ALTER TABLE events ALTER event_version TYPE bigint");
  EXPECT_THAT(refusal(),
              StartsWith("the columns of public.events do not fit: event_version is bigint where integer is "
                         "expected; payload is text where bytea is expected; trace_id text is missing. Cure: "));
}

TEST_F(Refusals, NoDefault) {
  admin_->exec("ALTER TABLE events ALTER global_position DROP DEFAULT");
  EXPECT_THAT(refusal(), StartsWith("positions of public.events do not come from one sequence: the default of "
                                    "global_position is missing, where nextval('<sequence>'::regclass) or an identity "
                                    "column is expected. Cure: "));
}

TEST_F(Refusals, DefaultsThatAreMoreThanNextval) {
  for (const char* expression :
       {"nextval('events_global_position_seq'::regclass) * 2",
        "nextval('events_global_position_seq'::regclass) + nextval('events_global_position_seq'::regclass)",
        "nextval('events_global_position_seq'::text)", "extract(epoch FROM now())::bigint"}) {
    admin_->exec(std::string("ALTER TABLE events ALTER global_position SET DEFAULT ") + expression);
    EXPECT_THAT(refusal(), StartsWith("positions of public.events do not come from one sequence")) << expression;
  }
}

TEST_F(Refusals, IdentityColumnAndOddNamesAreFine) {
  admin_->script(
      "CREATE SCHEMA \"Odd schema\"; CREATE TABLE \"Odd schema\".\"It's \"\"events\" (LIKE events INCLUDING ALL); "
      "ALTER TABLE \"Odd schema\".\"It's \"\"events\" ALTER global_position DROP DEFAULT; "
      "ALTER TABLE \"Odd schema\".\"It's \"\"events\" ALTER global_position ADD GENERATED ALWAYS AS IDENTITY");
  auto with = options();
  with.events_table = "\"Odd schema\".\"It's \"\"events\"";
  const auto log = open(with);
  admin_->exec(
      "INSERT INTO \"Odd schema\".\"It's \"\"events\" (bounded_context, aggregate_type, aggregate_id, "
      "aggregate_version, event_id, event_type, payload) VALUES ('a', 'b', 'c', 1, gen_random_uuid(), 'd', 'e')");
  ASSERT_TRUE(log->settle(base::no_stop()));
  EXPECT_EQ(log->settled(), 1);
}

TEST_F(Refusals, ChildWithASequenceOfItsOwn) {
  admin_->script("CREATE SEQUENCE \"child's\"; CREATE TABLE more (LIKE events INCLUDING INDEXES); ALTER TABLE more "
                 "INHERIT events; "
                 "ALTER TABLE more ALTER global_position SET DEFAULT nextval('\"child''s\"')");
  EXPECT_THAT(refusal(),
              StartsWith("public.more, a part of public.events, takes its positions from "
                         "nextval('\"child''s\"'::regclass) and not from public.events_global_position_seq: two "
                         "sequences have no common order. Cure: ALTER TABLE public.more ALTER COLUMN "
                         "global_position SET DEFAULT nextval('public.events_global_position_seq'::regclass)"));
  admin_->exec(
      "ALTER TABLE more ALTER global_position SET DEFAULT nextval('public.events_global_position_seq'::regclass)");
  open();
}

TEST_F(Refusals, ForeignTableAmongTheParts) {
  admin_->script("CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; "
                 "CREATE FOREIGN TABLE far_events () INHERITS (events) SERVER far");
  EXPECT_THAT(refusal(), StartsWith("public.far_events, a part of public.events, is not a local table"));
}

TEST_F(Refusals, LogicalSubscription) {
  admin_->exec("CREATE SUBSCRIPTION sub_" + role() +
               " CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false)");
  EXPECT_NO_THROW(open());
  admin_->exec("SET allow_system_table_mods = on");
  admin_->exec(
      "INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate) SELECT oid, 'events'::regclass, 'r' FROM "
      "pg_subscription WHERE subname = 'sub_" +
      role() + "'");
  EXPECT_THAT(refusal(), StartsWith("events is fed by the logical subscription sub_" + role()));
  admin_->exec("DELETE FROM pg_subscription_rel WHERE srrelid = 'events'::regclass");
  EXPECT_NO_THROW(open());
  admin_->exec("ALTER SUBSCRIPTION sub_" + role() + " DISABLE");
  admin_->exec("ALTER SUBSCRIPTION sub_" + role() + " SET (slot_name = NONE)");
  admin_->exec("DROP SUBSCRIPTION sub_" + role());
}

TEST_F(Refusals, PrivilegesAreNamedOneByOne) {
  admin_->exec("CREATE ROLE " + role() + " LOGIN");
  auto with = options();
  with.connect = connect_options(role());
  EXPECT_EQ(refusal(with), "role " + role() + " may not read public.events. Cure: GRANT SELECT ON public.events TO \"" +
                               role() + "\"");
  admin_->exec("GRANT SELECT ON events TO " + role());
  EXPECT_EQ(refusal(with), "role " + role() +
                               " may not read the sequence public.events_global_position_seq. Cure: GRANT SELECT ON "
                               "SEQUENCE public.events_global_position_seq TO \"" +
                               role() + "\"");
  admin_->script("CREATE SCHEMA hidden; CREATE TABLE hidden.events (LIKE events)");
  with.events_table = "hidden.events";
  EXPECT_THAT(refusal(with), HasSubstr("Cure: GRANT USAGE ON SCHEMA .. TO \"" + role()));
  with.events_table = "events";
  admin_->exec("GRANT SELECT ON events_global_position_seq TO " + role());
  emit(*admin_);
  expect_all_delivered(*open(with));
}

TEST_F(Refusals, RowLevelSecurity) {
  admin_->script("CREATE ROLE " + role() + " LOGIN; " + store_schema("events", role()) +
                 "ALTER TABLE events ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON events USING (global_position < 2)");
  auto with = options();
  with.connect = connect_options(role());
  EXPECT_EQ(refusal(with), "row-level security of public.events would hide events from role " + role() +
                               ". Cure: ALTER ROLE \"" + role() + "\" BYPASSRLS");
}

TEST_F(Refusals, StoredPositionAboveTheSequence) {
  emit(*admin_, 3);
  auto with = options();
  std::string asked_for;
  with.stored_settled = [&](const StoreIdentity& identity) {
    asked_for = identity.store;
    return 10;
  };
  EXPECT_THAT(refusal(with), StartsWith("the host remembers events of this store up to position 10, but its sequence "
                                        "public.events_global_position_seq has handed out positions only up to 3"));
  const auto row = admin_->exec("SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || d.oid || '/' || "
                                "'events'::regclass::oid FROM pg_database d WHERE datname = current_database()");
  EXPECT_EQ(asked_for, std::string(row.bytes(0, 0)));
}

TEST_F(Refusals, StoredPositionThatAnotherHostMovesMeanwhileIsNotAboveTheSequence) {
  emit(*admin_, 3);
  auto with = options();
  with.stored_settled = [&](const StoreIdentity&) { return emit(*admin_, 7); };
  const auto log = open(with);
  ASSERT_TRUE(log->settle(base::no_stop()));
  EXPECT_EQ(log->settled(), 10);
}

TEST_F(Refusals, StoredPositionIsWhereLooksBegin) {
  emit(*admin_, 3);
  const auto writer = session();
  writer->exec("BEGIN");
  emit(*writer);
  emit(*admin_);
  auto with = options();
  with.stored_settled = [](const StoreIdentity&) { return 4; };
  const auto log = open(with); // the gap at 4 was settled in another life
  ASSERT_TRUE(log->settle(base::no_stop()));
  EXPECT_EQ(log->settled(), 5);
  EXPECT_EQ(log->identity().timeline, 1);
  writer->exec("ROLLBACK");
  expect_all_delivered(*log);
}

TEST_F(Refusals, UnreachableServer) {
  auto with = options();
  with.connect.dsn = "host=/nowhere";
  EXPECT_THROW(open(with), pg::Error);
  base::Stop stopped;
  stopped.request();
  EXPECT_THROW(EventLog::open(options(), stopped), pg::Interrupted);
}

/// What is refused at start stops the log when it happens later, and it goes on when it is cured.
TEST_F(Refusals, LaterChangesHaltAndHeal) {
  const auto log = open();
  Follower follower(*log);
  emit(*admin_, 2);
  follower.read_to(2);
  const auto far = base::Clock::now() + std::chrono::seconds(60);

  admin_->exec("ALTER SEQUENCE events_global_position_seq CACHE 20");
  auto next = follower.cursor().next(2, far, base::no_stop());
  EXPECT_EQ(next.status, Cursor::Status::Halted);
  EXPECT_THAT(next.reason, HasSubstr("has CACHE 20"));
  EXPECT_EQ(log->snapshot().halted, next.reason);
  // Told once; from then on it waits like one without events.
  next = follower.cursor().next(2, base::Clock::now() + std::chrono::milliseconds(1), base::no_stop());
  EXPECT_EQ(next.status, Cursor::Status::Halted);
  admin_->exec("ALTER SEQUENCE events_global_position_seq CACHE 1");
  emit(*admin_);
  follower.read_to(3);
  EXPECT_EQ(log->snapshot().halted, "");
  EXPECT_TRUE(test::eventually([&] { return reports_.any_holds("the event store can be read again"); }));

  admin_->exec("ALTER TABLE events RENAME TO gone");
  next = follower.cursor().next(3, far, base::no_stop());
  EXPECT_EQ(next.status, Cursor::Status::Halted);
  EXPECT_THAT(next.reason, StartsWith("the event store has no table events"));
  admin_->exec("ALTER TABLE gone RENAME TO events");
  emit(*admin_);
  follower.read_to(4);
  expect_all_delivered(*log);
}

TEST_F(Refusals, RowAboveTheSequenceHaltsUntilItIsSet) {
  const auto log = open();
  Follower follower(*log);
  emit(*admin_, 2);
  follower.read_to(2);
  admin_->exec("INSERT INTO events (global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, "
               "event_id, event_type, payload) VALUES (9, 'shop', 'order', 'a', 1, gen_random_uuid(), 'created', '')");
  const auto next = follower.cursor().next(2, base::Clock::now() + std::chrono::seconds(60), base::no_stop());
  ASSERT_EQ(next.status, Cursor::Status::Halted);
  EXPECT_EQ(
      next.reason,
      "events reach position 9, but the sequence public.events_global_position_seq has handed out positions only up to "
      "2: rows came with positions of their own (an import, an attached table), or the sequence was set back, and new "
      "events would come in between or collide. Cure: SELECT setval('public.events_global_position_seq', 9)");
  EXPECT_EQ(log->settled(), 2);
  admin_->exec("SELECT setval('public.events_global_position_seq', 9)");
  follower.read_to(9);
  EXPECT_EQ(follower.positions(), (std::vector<std::int64_t>{1, 2, 9}));

  admin_->exec("SELECT setval('public.events_global_position_seq', 4)");
  ASSERT_TRUE(test::eventually([&] { return !log->snapshot().halted.empty(); }));
  admin_->exec("SELECT setval('public.events_global_position_seq', 9)");
  ASSERT_TRUE(test::eventually([&] { return log->snapshot().halted.empty(); }));
  emit(*admin_);
  follower.read_to(10);
}

TEST_F(Refusals, AnotherSequenceIsTakenUpAndTheOldOneStillWaitedFor) {
  const auto log = open();
  const auto writer = session();
  writer->exec("BEGIN");
  writer->exec("SELECT nextval('events_global_position_seq')"); // 1
  admin_->script(
      "CREATE SEQUENCE another START 10; ALTER TABLE events ALTER global_position SET DEFAULT nextval('another')");
  emit(*admin_); // 10
  await_gap(*log);
  EXPECT_EQ(log->settled(), 0);
  writer->exec("INSERT INTO events (global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, "
               "event_id, event_type, payload) VALUES (1, 'shop', 'order', 'a', 1, gen_random_uuid(), 'created', '')");
  writer->exec("COMMIT");
  expect_all_delivered(*log);
  EXPECT_EQ(log->last_position(), 10);
}

TEST_F(Refusals, AnotherTableUnderTheNameIsANewStore) {
  const auto log = open();
  emit(*admin_, 2);
  Follower follower(*log);
  follower.read_to(2);
  const auto before = log->identity();
  admin_->script("ALTER TABLE events RENAME TO old; CREATE TABLE events (LIKE old INCLUDING ALL)");
  const auto next = follower.cursor().next(2, base::Clock::now() + std::chrono::seconds(60), base::no_stop());
  EXPECT_EQ(next.status, Cursor::Status::NewStore);
  EXPECT_NE(log->identity(), before);
  EXPECT_EQ(log->incarnation(), 2u);
}

} // namespace
} // namespace projector::eventlog
