#include "hot_test.hpp"
#include "replacement.hpp"
#include "support/event_writers.hpp"

#include <fmt/format.h>

#include <string>

namespace projector::test {
namespace {

/// Projections on a plugin that writes into the same tables for each of them.
class SharedTables : public HotTest {
protected:
  SharedTables() { append(20); }
  static std::string table(const std::string& name, const std::string& keys = "") {
    return fmt::format("[projection.{}]\nplugin = \"quiet_shared\"\nrestart_interval = \"1s\"\n{}", name, keys);
  }
  void expect_refused(const std::string& second, const std::string& first) {
    ASSERT_TRUE(shows_reason(second, fmt::format("{0} and {1} are projections on plugin quiet_shared", second, first)))
        << everything();
    EXPECT_EQ(shown(second, "state"), "refused");
    EXPECT_TRUE(shows_reason(second, fmt::format("schema = \"{}\"", second))) << everything();
  }
};

TEST_F(SharedTables, TheSecondOneByNameIsRefusedUntilItHasASchemaOfItsOwn) {
  host_.install_plugin("quiet_shared");
  host_.write_projection_file("both", table("beta") + table("alpha"));
  host_.start();
  ASSERT_TRUE(is_live("alpha", 1)) << everything();
  ASSERT_NO_FATAL_FAILURE(expect_refused("beta", "alpha"));
  // The cure, as the message writes it.
  host_.write_projection_file("both", table("beta", "schema = \"beta\"\n") + table("alpha"));
  ASSERT_TRUE(is_live("beta", 1)) << everything();
  EXPECT_EQ(shown("alpha", "state"), "live");
}

TEST_F(SharedTables, TheOneThatHasACheckpointGoesOnAlsoOverARestart) {
  host_.install_plugin("quiet_shared");
  host_.write_projection_file("beta", table("beta", "schema = \"public\"\n"));
  host_.start();
  ASSERT_TRUE(is_live("beta", 1)) << everything();
  host_.write_projection_file("alpha", table("alpha")); // whose schema is the session's, public
  ASSERT_NO_FATAL_FAILURE(expect_refused("alpha", "beta"));
  ASSERT_EQ(host_.stop(), 0);
  host_.start();
  ASSERT_TRUE(is_live("beta", 1)) << everything();
  ASSERT_NO_FATAL_FAILURE(expect_refused("alpha", "beta"));
}

TEST_F(SharedTables, OfTwoHostsWithOneProjectionEachTheSecondOneIsRefused) {
  HostProcess first(dsn_);
  first.install_plugin("quiet_shared");
  first.write_projection_file("beta", table("beta", "partitions = 3\n"));
  first.start();
  ASSERT_TRUE(is_live("beta", 1)) << everything() << first.log();
  host_.install_plugin("quiet_shared");
  host_.write_projection_file("alpha", table("alpha"));
  host_.start();
  ASSERT_NO_FATAL_FAILURE(expect_refused("alpha", "beta"));
  EXPECT_EQ(value("SELECT count(*) FROM projector_projections"), "1");
}

TEST_F(SharedTables, PartitionsOfOneProjectionAreNotTwo) {
  host_.install_plugin("quiet_shared");
  host_.write_projection_file("beta", table("beta", "partitions = 3\n"));
  host_.start();
  ASSERT_TRUE(is_live("beta", 1)) << everything();
}

} // namespace
} // namespace projector::test
