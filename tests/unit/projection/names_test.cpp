#include "projection/checkpoint.hpp"
#include "projection/checkpoint_tables.hpp"
#include "projection/worker_status.hpp"

#include <gtest/gtest.h>

namespace projector::projection {
namespace {

TEST(CheckpointKey, NamesThePartitionWhereThereAreSeveral) {
  EXPECT_EQ((CheckpointKey{"revenue", 0, 1}.name()), "revenue");
  EXPECT_EQ((CheckpointKey{"revenue", 0, 2}.name()), "revenue_p0");
  EXPECT_EQ((CheckpointKey{"revenue", 15, 16}.name()), "revenue_p15");
}

TEST(WorkerStatus, StatesHaveTheNamesThatPeopleKnow) {
  EXPECT_EQ(to_string(State::Starting), "starting");
  EXPECT_EQ(to_string(State::CatchingUp), "catching_up");
  EXPECT_EQ(to_string(State::Live), "live");
  EXPECT_EQ(to_string(State::Retrying), "retrying");
  EXPECT_EQ(to_string(State::Paused), "paused");
  EXPECT_EQ(to_string(State::Standby), "standby");
  EXPECT_EQ(to_string(State::Failed), "failed");
  EXPECT_EQ(to_string(State::Stopped), "stopped");
  EXPECT_EQ(to_string(State::Missing), "missing");
  EXPECT_EQ(to_string(State::Refused), "refused");
}

TEST(ReadModelSchema, GrantsToTheRoleThatWasAskedFor) {
  const auto without = read_model_schema("projection_checkpoints", "");
  EXPECT_EQ(without.find("GRANT"), std::string::npos);
  EXPECT_NE(without.find("CREATE TABLE IF NOT EXISTS projection_checkpoints ("), std::string::npos);
  const auto with = read_model_schema("app.checkpoints", "My Role");
  EXPECT_EQ(with.find(without.substr(0, 40)), 0u);
  EXPECT_NE(with.find("CREATE TABLE IF NOT EXISTS app.checkpoints ("), std::string::npos);
  EXPECT_NE(with.find("projector_stores, app.checkpoints TO \"My Role\";\n"), std::string::npos) << with;
  EXPECT_EQ(with.back(), '\n');
}

} // namespace
} // namespace projector::projection
