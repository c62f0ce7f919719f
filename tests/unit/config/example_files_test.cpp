#include "sources.hpp"

#include "config/restart_keys.hpp"

#include <gmock/gmock.h>

namespace projector::config::test {
namespace {

using namespace std::chrono_literals;

Loaded load_example(const std::string& file) {
  Overrides overrides;
  overrides.environment["HOME"] = "/home/somebody";
  return load(std::filesystem::path(PROJECTOR_TEST_SOURCE_DIR) / "config" / file, overrides);
}

void expect_no_problems(const Loaded& loaded) {
  for (const Problem& problem : loaded.main_problems) {
    ADD_FAILURE() << to_string(problem);
  }
  for (const Problem& problem : loaded.warnings) {
    ADD_FAILURE() << to_string(problem);
  }
  EXPECT_TRUE(loaded.refused.empty());
  ASSERT_TRUE(loaded.configuration.has_value());
}

TEST(ExampleFiles, TheExplainedFileHoldsTheBuiltInValues) {
  const Loaded explained = load_example("projectord.toml");
  expect_no_problems(explained);
  const Configuration built_in =
      Sources().environment("DATABASE_URL", "host=/run/postgresql dbname=app").main("").configuration();
  EXPECT_THAT(restart_keys(built_in, *explained.configuration), testing::IsEmpty());
  EXPECT_EQ(explained.configuration->plugins.directories, built_in.plugins.directories);
  EXPECT_EQ(explained.configuration->plugins.autostart, built_in.plugins.autostart);
  EXPECT_EQ(explained.configuration->log_level, built_in.log_level);
  EXPECT_EQ(explained.configuration->defaults, built_in.defaults);
  EXPECT_TRUE(explained.configuration->projections.empty());
}

TEST(ExampleFiles, FastAndSlowProjectionsStandSideBySide) {
  const Loaded loaded = load_example("examples/fast-and-slow.toml");
  expect_no_problems(loaded);
  const auto& projections = loaded.configuration->projections;
  ASSERT_EQ(projections.size(), 4u);
  const Projection& fast = projections.at("order_status");
  const Projection& slow = projections.at("search_index");
  EXPECT_EQ(fast.batch_size, 50u);
  EXPECT_EQ(fast.batch_bytes, 1u << 20);
  EXPECT_EQ(fast.partitions, 4u);
  EXPECT_EQ(fast.checkpoint_interval, 50ms);
  EXPECT_EQ(slow.batch_size, 10u);
  EXPECT_EQ(slow.batch_bytes, 256u << 10);
  EXPECT_EQ(slow.partitions, 16u);
  EXPECT_EQ(slow.checkpoint_interval, 5s);
  EXPECT_EQ(projections.at("revenue_usd").plugin, "revenue");
  EXPECT_EQ(projections.at("revenue_usd").settings.at(0),
            (Setting{"currency", Setting::Type::String, {"USD"}, "", {}}));
}

} // namespace
} // namespace projector::config::test
