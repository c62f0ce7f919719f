#include "unit/sdk/fake_host.hpp"

#include <projector/plugin.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <vector>

namespace projector {
namespace {

TEST(EventTest, ShowsTheFieldsWithoutCopying) {
  projector_event raw = test::event_at(42, "UserCreated", "{\"a\":1}");
  raw.trace_id = test::str("t");
  raw.correlation_id = test::str("");
  const Event event(raw, 5);
  EXPECT_EQ(event.global_position(), 42);
  EXPECT_EQ(event.index(), 5u);
  EXPECT_EQ(event.event_type(), "UserCreated");
  EXPECT_EQ(event.payload().data(), raw.payload.data);
  EXPECT_EQ(event.payload_bytes().size(), 7u);
  EXPECT_EQ(event.created_at().to_string(), "2024-02-29 12:34:56.000001+00");
  EXPECT_EQ(event.event_id().to_string(), "00000000-0000-0000-0000-00000000002a");
  EXPECT_EQ(event.trace_id(), "t");
  EXPECT_EQ(event.correlation_id(), "") << "empty is not NULL";
  EXPECT_EQ(event.causation_id(), std::nullopt);
  EXPECT_EQ(event.metadata(), std::nullopt);
}

TEST(BatchTest, IsARangeOfEvents) {
  test::EventBatch owner({test::event_at(1), test::event_at(7)});
  owner.get()->flags = PROJECTOR_BATCH_REPEATED;
  owner.get()->attempt = 2;
  const Batch batch(*owner.get());
  std::vector<std::int64_t> positions;
  std::vector<std::uint32_t> indexes;
  for (const Event event : batch) {
    positions.push_back(event.global_position());
    indexes.push_back(event.index());
  }
  EXPECT_EQ(positions, (std::vector<std::int64_t>{1, 7}));
  EXPECT_EQ(indexes, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_TRUE(batch.repeated());
  EXPECT_FALSE(batch.rebuilding());
  EXPECT_EQ(batch.attempt(), 2u);
  EXPECT_EQ(batch.head_position(), 1000);
}

} // namespace
} // namespace projector
