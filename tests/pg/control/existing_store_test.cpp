#include "control_database.hpp"

#include "eventlog/store_check.hpp"
#include "support/wait.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace projector::control {
namespace {

using testing::HasSubstr;

/// An events table that another program's migration has made, with its names.
class ExistingStore : public ControlDatabase {
protected:
  ExistingStore() {
    connection_.script(R"(
      CREATE TABLE events (
        global_position BIGSERIAL PRIMARY KEY, bounded_context TEXT NOT NULL, aggregate_type TEXT NOT NULL,
        aggregate_id TEXT NOT NULL, aggregate_version BIGINT NOT NULL, event_id UUID NOT NULL UNIQUE,
        event_type TEXT NOT NULL, event_version INT NOT NULL DEFAULT 1, payload BYTEA NOT NULL, trace_id TEXT,
        correlation_id TEXT, causation_id TEXT, metadata JSONB, created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
        UNIQUE (bounded_context, aggregate_type, aggregate_id, aggregate_version));
      CREATE INDEX idx_events_event_type ON events (event_type, global_position);
      CREATE INDEX idx_events_correlation ON events (correlation_id) WHERE correlation_id IS NOT NULL;
      CREATE TABLE projection_checkpoints (projection_name TEXT PRIMARY KEY, last_global_position BIGINT NOT NULL DEFAULT
        0, updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW());)");
    append();
  }
  std::string objects() {
    return look("SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_class WHERE relname ~ 'event|aggregate'");
  }
  /// Opens a session that has appended an event and not yet committed.
  std::unique_ptr<pg::Connection> open_append() {
    auto writer = std::make_unique<pg::Connection>(pg::ConnectOptions{.dsn = dsn_, .settings = {}}, base::no_stop());
    writer->script(
        "BEGIN; INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
        "event_type, payload) VALUES ('sales', 'order', 'open', 1, gen_random_uuid(), 'OrderPlaced', '{}')");
    return writer;
  }
  std::string error_of_apply(const std::string& role = "") {
    try {
      apply(role);
    } catch (const pg::Error& error) {
      return error.what();
    }
    return {};
  }
};

TEST_F(ExistingStore, WhatIsThereUnderOtherNamesIsLeftAloneAndNobodyWaits) {
  const auto writer = open_append();
  const auto before = objects();
  apply();
  EXPECT_EQ(objects(), before);
  connection_.exec("SET lock_timeout = '1ms'");
  append();
  apply(); // a second run changes nothing either
  EXPECT_EQ(objects(), before);
}

TEST_F(ExistingStore, PrintedItAddsNoIndexEither) {
  const auto before = look("SELECT count(*) FROM pg_index WHERE indrelid = 'events'::regclass");
  connection_.script(schema_text(configuration(), ""));
  EXPECT_EQ(look("SELECT count(*) FROM pg_index WHERE indrelid = 'events'::regclass"), before);
}

TEST_F(ExistingStore, AMissingIndexIsBuiltWhileOthersAppend) {
  connection_.exec("DROP INDEX idx_events_event_type");
  const auto writer = open_append();
  {
    const std::jthread applying([this] { apply(); });
    ASSERT_TRUE(test::eventually([&] {
      return look("SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()") == "1";
    }));
    connection_.exec("SET lock_timeout = '1ms'");
    append(); // while the build waits for the open transaction
    writer->exec("COMMIT");
  }
  EXPECT_EQ(
      look("SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_event_type_global_position_idx'::regclass"),
      "t");
}

TEST_F(ExistingStore, AnIndexWhoseBuildFailedIsReplaced) {
  connection_.exec("DROP INDEX idx_events_event_type");
  {
    const auto writer = open_append();
    connection_.exec("SET statement_timeout = '50ms'");
    EXPECT_THROW(connection_.exec("CREATE INDEX CONCURRENTLY left_over ON events (event_type, global_position)"),
                 pg::Error);
    connection_.exec("SET statement_timeout = 0");
  }
  ASSERT_EQ(look("SELECT indisvalid FROM pg_index WHERE indexrelid = 'left_over'::regclass"), "f");
  apply();
  EXPECT_EQ(look("SELECT to_regclass('left_over') IS NULL"), "t");
  EXPECT_EQ(look("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'events'::regclass"), "t");
}

TEST_F(ExistingStore, WhoDoesNotOwnItIsTheOwnerOnlyForWhatIsMissing) {
  apply();
  connection_.exec("ALTER TABLE projector_stores OWNER TO CURRENT_USER");
  const auto dsn = create_role();
  apply(role_);
  configuration().event_store.dsn = configuration().read_model.dsn = dsn;
  EXPECT_EQ(error_of_apply(), "");
  EXPECT_EQ(error_of_apply(role_), "");
  connection_.exec("DROP INDEX idx_events_correlation");
  const auto told = error_of_apply();
  const std::string cure =
      "CREATE INDEX CONCURRENTLY ON public.events (correlation_id) WHERE correlation_id IS NOT NULL";
  EXPECT_THAT(told, HasSubstr("events belongs to postgres, who has to run: " + cure));
  connection_.exec(cure);
  EXPECT_EQ(error_of_apply(role_), "");
}

TEST_F(ExistingStore, OnlyGrantsThatAreMissingAreGiven) {
  create_role();
  apply(role_);
  EXPECT_EQ(look("SELECT has_table_privilege('" + role_ + "', 'events', 'SELECT') AND has_sequence_privilege('" +
                 role_ + "', 'events_global_position_seq', 'SELECT')"),
            "t");
  const auto before = look("SELECT xmin FROM pg_class WHERE oid = 'events'::regclass");
  apply(role_);
  EXPECT_EQ(look("SELECT xmin FROM pg_class WHERE oid = 'events'::regclass"), before);
  EXPECT_THAT(error_of_apply("nobody_of_that_name"), HasSubstr("make the role first"));
}

TEST_F(ExistingStore, EachPartOfAPartitionedTableGetsWhatItLacks) {
  connection_.script(
      "DROP TABLE events; CREATE TABLE events (global_position BIGSERIAL, bounded_context TEXT NOT NULL, "
      "aggregate_type TEXT NOT NULL, aggregate_id TEXT NOT NULL, aggregate_version BIGINT NOT NULL, "
      "event_id UUID NOT NULL, event_type TEXT NOT NULL, event_version INT NOT NULL DEFAULT 1, payload "
      "BYTEA NOT NULL, trace_id TEXT, correlation_id TEXT, causation_id TEXT, metadata JSONB, created_at "
      "TIMESTAMPTZ NOT NULL DEFAULT now()) PARTITION BY LIST (bounded_context); "
      "CREATE TABLE sales_events PARTITION OF events FOR VALUES IN ('sales'); "
      "CREATE TABLE other_events PARTITION OF events DEFAULT; "
      "CREATE INDEX mine ON sales_events (event_type, global_position)");
  append();
  apply();
  EXPECT_EQ(look("SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index "
                 "WHERE indrelid = "
                 "'sales_events'::regclass"),
            "mine sales_events_correlation_id_idx sales_events_global_position_idx");
  EXPECT_EQ(look("SELECT count(*) FROM pg_index WHERE indrelid = 'other_events'::regclass"), "3");
  pg::Connection reader(eventlog::session_options({.dsn = dsn_, .settings = {}}, "test"), base::no_stop());
  EXPECT_EQ(eventlog::check_store(reader, "events").table, "public.events");
}

} // namespace
} // namespace projector::control
