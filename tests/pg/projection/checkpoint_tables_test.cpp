#include "pg/projection/projection_test.hpp"

#include "pg/error.hpp"

namespace projector::projection {
namespace {

class CheckpointTablesTest : public ::testing::Test {
protected:
  static std::string value(pg::Connection& connection, std::string_view sql) {
    return std::string(connection.exec(sql).bytes(0, 0));
  }
  std::string dsn_ = test::PrivatePostgres::shared().create_database();
  pg::Connection connection_{{.dsn = dsn_, .settings = {}}, base::no_stop()};
};

TEST_F(CheckpointTablesTest, AreMadeOnceAndFoundAfterwards) {
  EXPECT_FALSE(find_tables(connection_, "projection_checkpoints"));
  const auto made = open_tables(connection_, "projection_checkpoints");
  EXPECT_EQ(made.projections, "public.projector_projections");
  EXPECT_EQ(made.checkpoints, "public.projector_checkpoints");
  EXPECT_EQ(made.workers, "public.projector_workers");
  EXPECT_EQ(made.stores, "public.projector_stores");
  EXPECT_EQ(made.mirror, "public.projection_checkpoints");
  EXPECT_EQ(made.search_path, "\"$user\", public");
  connection_.exec("INSERT INTO projector_stores (store, timeline, settled) VALUES ('s', 1, 5)");
  const auto oids = "SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_class WHERE relkind = 'r' AND "
                    "relnamespace = 'public'::regnamespace";
  const auto before = value(connection_, oids);
  EXPECT_EQ(open_tables(connection_, "projection_checkpoints").mirror, "public.projection_checkpoints");
  EXPECT_EQ(value(connection_, oids), before);
  EXPECT_EQ(value(connection_, "SELECT settled FROM projector_stores"), "5");
}

TEST_F(CheckpointTablesTest, TheSeedTableIsKeptWithWhatItHolds) {
  connection_.script("CREATE TABLE projection_checkpoints (projection_name TEXT PRIMARY KEY, last_global_position "
                     "BIGINT NOT NULL DEFAULT 0, updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()); "
                     "INSERT INTO projection_checkpoints VALUES ('revenue', 17)");
  open_tables(connection_, "projection_checkpoints");
  EXPECT_EQ(value(connection_, "SELECT last_global_position FROM projection_checkpoints"), "17");
}

TEST_F(CheckpointTablesTest, TheMirrorMayCarryASchema) {
  connection_.exec("CREATE SCHEMA app");
  EXPECT_EQ(open_tables(connection_, "app.checkpoints").mirror, "app.checkpoints");
  EXPECT_FALSE(find_tables(connection_, "app.other"));
}

TEST_F(CheckpointTablesTest, AnotherSearchPathDoesNotChangeWhichTablesAreMeant) {
  const auto tables = open_tables(connection_, "projection_checkpoints");
  connection_.script("CREATE SCHEMA other; CREATE TABLE other.projector_checkpoints (x int); "
                     "SET search_path = other, public");
  EXPECT_NO_THROW(read_checkpoint(connection_, tables, {"revenue", 0, 1}));
}

TEST_F(CheckpointTablesTest, ARoleWithoutPrivilegesIsToldWhatToRun) {
  connection_.script("DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  pg::Connection poor({.dsn = dsn_ + " user=poor", .settings = {}}, base::no_stop());
  try {
    open_tables(poor, "projection_checkpoints");
    ADD_FAILURE() << "made without the privilege";
  } catch (const pg::Error& error) {
    EXPECT_EQ(error.sqlstate(), "42501");
    EXPECT_STREQ(error.what(),
                 "the host's tables, or columns of them, are missing in the read model's database and cannot be made: "
                 "permission denied for schema public; run `projectorctl schema apply --role ROLE` as a "
                 "user who may make tables");
  }
  EXPECT_TRUE(poor.at_rest()) << "the session is of use afterwards";
  // The statements of `schema apply` are enough for that role.
  connection_.script(read_model_schema("projection_checkpoints", "poor"));
  const auto tables = open_tables(poor, "projection_checkpoints");
  CheckpointRequest request;
  request.key = {"revenue", 0, 1};
  request.projection = "revenue";
  request.plugin = "sums";
  request.read_model_version = 1;
  request.store = "s";
  request.store_last = 10;
  request.start_position = 0;
  EXPECT_TRUE(open_checkpoint(poor, tables, request).checkpoint);
  EXPECT_NO_THROW(poor.exec("CREATE TABLE of_a_plugin (x int)"));
  EXPECT_NO_THROW(poor.exec("INSERT INTO projector_workers (name, host, projection, partition, partitions, state, "
                            "plugin) VALUES ('a', 'h', 'a', 0, 1, 'live', 'a')"));
}

TEST_F(CheckpointTablesTest, HostsThatStartTogetherDoNotCollide) {
  std::vector<std::future<CheckpointTables>> hosts;
  for (int host = 0; host < 8; ++host) {
    hosts.push_back(std::async(std::launch::async, [&] {
      pg::Connection connection({.dsn = dsn_, .settings = {}}, base::no_stop());
      return open_tables(connection, "projection_checkpoints");
    }));
  }
  for (auto& host : hosts) {
    EXPECT_EQ(host.get().mirror, "public.projection_checkpoints");
  }
}

} // namespace
} // namespace projector::projection
