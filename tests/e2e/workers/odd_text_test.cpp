#include "support/event_writers.hpp"
#include "support/private_postgres.hpp"
#include "worker_group.hpp"

#include <gmock/gmock.h>

namespace projector::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(OddText, OfPluginsEventsAndFilesStopsNoHeartbeatAndReachesNoTerminal) {
  const std::string dsn = PrivatePostgres::shared().create_database();
  create_event_store(dsn);
  query_value(dsn, "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                   "event_type, payload) VALUES ('c', 't', E'a\\n\\x1b[31m', 1, gen_random_uuid(), 'Happened', '')");
  HostProcess host(dsn);
  host.install_plugin("odd_text");
  host.install_plugin("noop");
  host.write_projection_file("odd\xff", "[projection.bad]\nbatch_size = -1\n");
  host.start();
  EXPECT_TRUE(becomes(dsn, "SELECT state FROM projector_workers WHERE name = 'noop'", "live")) << host.log();
  EXPECT_TRUE(becomes(dsn, "SELECT plugin_version FROM projector_workers WHERE name = 'odd_text'",
                      "odd \xEF\xBF\xBD [2J  text"))
      << host.log();
  EXPECT_TRUE(
      becomes(dsn, "SELECT state FROM projector_workers WHERE name = 'bad' AND reason LIKE '%odd%.toml%'", "refused"))
      << host.log();
  const std::string before = value_or_nothing(dsn, "SELECT clock_timestamp()");
  EXPECT_TRUE(becomes(dsn, "SELECT count(*) FROM projector_workers WHERE heartbeat > '" + before + "'", "3"));
  EXPECT_THAT(host.log(), HasSubstr("odd \xEF\xBF\xBD [2J  text"));
  EXPECT_THAT(host.log(), Not(HasSubstr("\xff")));
  EXPECT_THAT(host.log(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(host.log(), Not(HasSubstr("\r")));
}

} // namespace
} // namespace projector::test
