#include "support/event_writers.hpp"
#include "support/host_process.hpp"
#include "support/private_postgres.hpp"
#include "support/wait.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace projector::test {
namespace {

/// A store with a backlog, owned by a role that may have only so many sessions.
class ConnectionLimit : public testing::Test {
protected:
  ConnectionLimit() {
    static int roles = 0;
    role_ = fmt::format("limited_{}", ++roles);
    query_value(admin_, fmt::format("CREATE ROLE {} LOGIN", role_));
    query_value(admin_, fmt::format("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' OWNER TO {}'; "
                                    "END $$",
                                    role_));
    dsn_ = admin_ + " user=" + role_;
    create_event_store(dsn_);
    query_value(dsn_, "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                      "event_type, payload) SELECT 's', 'Order', (i % 50)::text, i, gen_random_uuid(), 'OrderPlaced', "
                      "'{}' FROM generate_series(1, 30000) i");
  }
  void limit(int sessions) const {
    query_value(admin_, fmt::format("ALTER ROLE {} CONNECTION LIMIT {}", role_, sessions));
  }
  static void install(const HostProcess& host) {
    host.install_plugin("recorder");
    std::string toml;
    for (const char* name : {"a", "b", "c", "d"}) {
      toml += fmt::format("[projection.{}]\nplugin = \"recorder\"\n", name);
    }
    host.write_projection_file("four", toml);
  }
  bool all_caught_up() const {
    return eventually(
        [&] {
          try {
            return query_value(admin_, "SELECT count(*) FROM projector_checkpoints WHERE position = 30000 AND name IN "
                                       "('a', 'b', 'c', 'd')") == "4";
          } catch (const std::exception&) {
            return false;
          }
        },
        std::chrono::seconds(60));
  }

  std::string role_;
  const std::string admin_ = PrivatePostgres::shared().create_database();
  std::string dsn_;
};

class FewSessions : public ConnectionLimit, public testing::WithParamInterface<int> {};

TEST_P(FewSessions, FourProjectionsCatchUp) {
  limit(GetParam());
  HostProcess host(dsn_);
  install(host);
  host.start();
  EXPECT_TRUE(all_caught_up()) << host.log();
  EXPECT_EQ(host.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(ConnectionLimit, FewSessions, testing::Values(5, 6, 7));

} // namespace
} // namespace projector::test
