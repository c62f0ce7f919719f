#include "host_test.hpp"

#include "support/event_writers.hpp"
#include "support/host_process.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace projector::test {
namespace {

/// The store was emptied and filled beyond the checkpoint while no host ran. Each test follows a cure of the message.
TEST(EmptiedStore, IsRefusedUntilItIsANewStoreOfWhichEachProjectionIsRebuilt) {
  const std::string dsn = store_with_events(200);
  HostProcess host(dsn);
  host.install_plugin("user_counter");
  ASSERT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 0) << host.log();
  query_value(dsn, "TRUNCATE events, aggregate_heads RESTART IDENTITY");
  EventWriters(dsn, {.writers = 2, .events = 300, .seed = 6}).join();

  EXPECT_EQ(host.run({"--until-caught-up", "--timeout", "60s"}), 1);
  const std::string log = host.log();
  ASSERT_NE(log.find("the event store is refused: position "), std::string::npos) << log;
  const auto cure = log.find("INSERT INTO ");
  query_value(dsn, log.substr(cure, log.find("; each projection", cure) - cure));

  host.start();
  ASSERT_TRUE(becomes(dsn, state_of("user_counter"), "refused")) << host.log();
  const std::string reason = query_value(dsn, reason_of("user_counter"));
  ASSERT_NE(reason.find("\"projectorctl rebuild user_counter\""), std::string::npos) << reason;
  const std::string rebuild =
      fmt::format("{}/projectorctl --config {} --plugin-dir {} rebuild user_counter > /dev/null",
                  PROJECTOR_TEST_BIN_DIR, host.configuration_file().string(), host.plugin_directory().string());
  ASSERT_EQ(std::system(rebuild.c_str()), 0) << rebuild;
  ASSERT_TRUE(becomes(dsn, state_of("user_counter"), "live")) << query_value(dsn, reason_of("user_counter"));
  EXPECT_EQ(read_model_difference(dsn, "user_counter", "user_counter"), 0);
  EXPECT_EQ(query_value(dsn, "SELECT store LIKE '%#2' FROM projector_projections"), "t");
  EXPECT_EQ(host.stop(), 0);
}

} // namespace
} // namespace projector::test
