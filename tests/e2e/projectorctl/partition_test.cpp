#include "program.hpp"

#include "control/partition_of.hpp"
#include "pg/connection.hpp"
#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/random_text.hpp"

namespace projector::control {
namespace {

using Partition = Program;

TEST_F(Partition, IsShownWithoutAConfiguration) {
  const auto run = Program::run("partition foobar b --of 12 --total-workers 5");
  EXPECT_EQ(run.exit_code, 0) << run.error;
  EXPECT_EQ(run.out, "AGGREGATE  PARTITION  CHECKPOINT  WORKER\n"
                     "foobar     4/12       NAME_p4     4/5\n"
                     "b          1/12       NAME_p1     1/5\n");
  EXPECT_EQ(Program::run("partition -- foobar --of 12").exit_code, 2);
  EXPECT_EQ(Program::run("partition --of 12 -- --of").out, "AGGREGATE  PARTITION  CHECKPOINT\n"
                                                           "--of       6/12       NAME_p6\n");
}

TEST_F(Partition, WrongUsageIsToldApart) {
  for (const std::string arguments :
       {"partition --of 12", "partition a", "partition a --of 0", "partition a --of 1025", "partition a --of x",
        "partition a --of -1", "partition a --of 12 --total-workers 0", "partition \"$(printf 'caf\\351')\" --of 12"}) {
    const auto run = Program::run(arguments);
    EXPECT_EQ(run.exit_code, 2) << arguments;
    EXPECT_EQ(run.out, "") << arguments;
  }
}

/// The definition in SQL, without a sign and modulo 2^32.
constexpr auto kHashInSql = R"(CREATE FUNCTION hash_of(id text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  bytes bytea := convert_to(id, 'UTF8');
  hash bigint := 2166136261;
BEGIN
  FOR at IN 0 .. length(bytes) - 1 LOOP
    hash := (hash # get_byte(bytes, at)::bigint) * 16777619 & 4294967295;
  END LOOP;
  RETURN hash;
END $$)";

TEST_F(Partition, IsTheOneThatAHostAndSqlGiveRandomIds) {
  const auto dsn = test::PrivatePostgres::shared().create_database();
  test::create_event_store(dsn);
  pg::Connection connection({.dsn = dsn, .settings = {}}, base::no_stop());
  std::mt19937 random(7);
  std::vector<std::string> ids;
  for (int n = 0; n < 10000; ++n) {
    ids.push_back(test::random_text(random, 1 + random() % 20));
  }
  connection.exec("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                  "event_type, payload) SELECT 'test', 'thing', id, n, gen_random_uuid(), 'Happened', '' FROM "
                  "unnest($1::text[]) WITH ORDINALITY AS t(id, n)",
                  pg::Parameters{}.text_array(ids));
  test::HostProcess host(dsn);
  host.install_plugin("recorder");
  host.write_projection_file("recorder", "[projection.recorder]\npartitions = 12\nbatch_size = 1000\n");
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "120s"}), 0) << host.log();

  connection.script(kHashInSql);
  const auto rows = connection.exec("SELECT e.aggregate_id, s.partition, hash_of(e.aggregate_id) % 12 FROM events e "
                                    "JOIN recorder_seen s USING (global_position)");
  ASSERT_EQ(rows.rows(), ids.size());
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto partition = partition_of(rows.bytes(row, 0), 12);
    ASSERT_EQ(rows.int8(row, 1), partition) << rows.bytes(row, 0);
    ASSERT_EQ(rows.int8(row, 2), partition) << rows.bytes(row, 0);
  }
  std::string names;
  for (int partition = 0; partition < 12; ++partition) {
    names += (partition == 0 ? "" : ",") + std::string("recorder_p") + std::to_string(partition);
  }
  EXPECT_EQ(test::query_value(dsn, "SELECT string_agg(name, ',' ORDER BY partition) FROM projector_checkpoints"),
            names);
}

} // namespace
} // namespace projector::control
