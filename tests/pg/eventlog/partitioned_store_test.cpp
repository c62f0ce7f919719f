#include "store_test.hpp"

namespace projector::eventlog {
namespace {

/// The events table as a partitioned one, with rows going in through the parent and through a part.
class PartitionedStore : public StoreTest {
protected:
  void SetUp() override {
    admin_->script(R"(
      DROP TABLE events;
      CREATE TABLE events (
        global_position BIGSERIAL, bounded_context TEXT NOT NULL, aggregate_type TEXT NOT NULL, aggregate_id TEXT NOT NULL,
        aggregate_version BIGINT NOT NULL, event_id UUID NOT NULL, event_type TEXT NOT NULL,
        event_version INT NOT NULL DEFAULT 1, payload BYTEA NOT NULL, trace_id TEXT, correlation_id TEXT, causation_id TEXT,
        metadata JSONB, created_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (global_position, bounded_context)
      ) PARTITION BY LIST (bounded_context);
      CREATE TABLE shop_events PARTITION OF events FOR VALUES IN ('shop') PARTITION BY HASH (global_position);
      CREATE TABLE shop_even PARTITION OF shop_events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE shop_odd PARTITION OF shop_events FOR VALUES WITH (MODULUS 2, REMAINDER 1);
      CREATE TABLE other_events PARTITION OF events DEFAULT;)");
  }
  static constexpr const char* kInsertOther = "INSERT INTO other_events (bounded_context, aggregate_type, "
                                              "aggregate_id, aggregate_version, event_id, event_type, "
                                              "payload) VALUES ('b', 'c', 'd', 1, gen_random_uuid(), 'e', 'f')";
};

TEST_F(PartitionedStore, GapsThroughParentAndChild) {
  const auto log = open();
  const auto first = session();
  first->exec("BEGIN");
  first->exec(kInsertOther); // 1
  emit(*admin_, 5);
  await_gap(*log);
  EXPECT_EQ(log->settled(), 0);
  first->exec("COMMIT");
  expect_all_delivered(*log);

  first->exec("BEGIN");
  emit(*first, 2); // 7, 8
  admin_->exec(kInsertOther);
  await_gap(*log);
  EXPECT_EQ(log->settled(), 6);
  first->exec("COMMIT");
  expect_all_delivered(*log);
  EXPECT_EQ(stored().size(), 9u);
}

TEST_F(PartitionedStore, HistoryComesInOrder) {
  for (int round = 0; round < 30; ++round) {
    emit(*admin_, 200);
    admin_->exec(kInsertOther);
  }
  expect_all_delivered(*open());
  EXPECT_EQ(stored().size(), 6030u);
}

/// The partitioned table has no index, but each of its parts has one.
TEST_F(PartitionedStore, EveryPartNeedsAUniqueIndex) {
  admin_->script("ALTER TABLE events DROP CONSTRAINT events_pkey; CREATE UNIQUE INDEX ON shop_even (global_position)");
  std::string found = refusal();
  EXPECT_EQ(found.find("no unique index begins with global_position: public.other_events, public.shop_odd; "), 0u)
      << found;
  for (const std::string part : {"other_events", "shop_odd"}) {
    const std::string cure = "CREATE UNIQUE INDEX CONCURRENTLY ON public." + part + " (global_position)";
    EXPECT_NE(found.find(cure), std::string::npos) << found;
    admin_->exec(cure);
  }
  emit(*admin_, 5);
  admin_->exec(kInsertOther);
  expect_all_delivered(*open());
}

TEST_F(PartitionedStore, NotNullIsSetOnceForAllParts) {
  admin_->exec("ALTER TABLE events ALTER payload DROP NOT NULL");
  const std::string found = refusal();
  const std::string cure = "ALTER TABLE public.events ALTER COLUMN payload SET NOT NULL";
  EXPECT_NE(found.find("allow NULL: payload of public.events; "), std::string::npos) << found;
  admin_->exec(cure);
  open();
}

TEST_F(PartitionedStore, UnloggedPart) {
  admin_->exec("ALTER TABLE shop_odd SET UNLOGGED");
  EXPECT_EQ(refusal().find("public.shop_odd is UNLOGGED"), 0u);
  admin_->exec("ALTER TABLE public.shop_odd SET LOGGED");
  open();
}

TEST_F(PartitionedStore, AttachedPartWithAnotherSequenceHalts) {
  const auto log = open();
  admin_->script("CREATE TABLE extra (LIKE events INCLUDING DEFAULTS); CREATE SEQUENCE extra_seq; "
                 "ALTER TABLE extra ALTER global_position SET DEFAULT nextval('extra_seq'); "
                 "ALTER TABLE events ATTACH PARTITION extra FOR VALUES IN ('extra')");
  ASSERT_TRUE(test::eventually([&] { return !log->snapshot().halted.empty(); }));
  EXPECT_NE(log->snapshot().halted.find("public.extra, a part of public.events"), std::string::npos);
  admin_->exec("ALTER TABLE extra ALTER global_position SET DEFAULT nextval('events_global_position_seq')");
  emit(*admin_);
  expect_all_delivered(*log);
}

} // namespace
} // namespace projector::eventlog
