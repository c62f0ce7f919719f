#include "segments.hpp"

#include "base/fnv1a.hpp"
#include "eventlog/filter.hpp"

#include <gtest/gtest.h>

namespace projector::eventlog {
namespace {

std::string_view view(const projector_str& text) {
  return {text.data, text.size};
}

TEST(SegmentBuilder, CopiesEverythingIntoOneSegment) {
  SegmentBuilder builder(test_region());
  {
    std::string id = "customer-1", payload("\0\xff", 2);
    projector_event one = event(5, id, payload, "created");
    one.metadata = str("");
    one.event_id[3] = 9;
    one.created_at_us = 77;
    builder.append(one);
    id.assign(id.size(), '#');
    payload.assign(payload.size(), '#');
  }
  builder.append(event(6, "customer-2", "", "renamed"));
  EXPECT_EQ(builder.last_position(), 6);
  const auto made = builder.finish(4, 8, 3, base::TimePoint());
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(made->after(), 4);
  EXPECT_EQ(made->to(), 8);
  EXPECT_EQ(made->incarnation(), 3u);
  ASSERT_EQ(made->events().size(), 2u);
  const projector_event& one = made->events()[0];
  EXPECT_EQ(view(one.aggregate_id), "customer-1");
  EXPECT_EQ(view(one.payload), std::string_view("\0\xff", 2));
  EXPECT_NE(one.metadata.data, nullptr);
  EXPECT_EQ(one.metadata.size, 0u);
  EXPECT_EQ(one.trace_id.data, nullptr);
  EXPECT_EQ(one.event_id[3], 9);
  EXPECT_EQ(one.created_at_us, 77);
  EXPECT_EQ(view(made->events()[1].event_type), "renamed");
  EXPECT_EQ(made->aggregate_hashes()[1], base::fnv1a32("customer-2"));
}

TEST(SegmentBuilder, EachKindOnceHoweverMany) {
  SegmentBuilder builder(test_region());
  std::vector<std::string> types;
  types.reserve(300);
  for (int type = 0; type < 300; ++type) {
    types.push_back("type " + std::to_string(type));
  }
  for (int position = 0; position < 900; ++position) {
    builder.append(event(position + 1, "a", "p", types[static_cast<std::size_t>(position) % 300]));
  }
  const auto made = builder.finish(0, 900, 1, base::Clock::now());
  ASSERT_EQ(made->kinds().size(), 300u);
  for (std::size_t index = 0; index < 900; ++index) {
    EXPECT_EQ(made->kinds()[made->event_kinds()[index]].event_type, types[index % 300]);
    EXPECT_EQ(view(made->events()[index].event_type), types[index % 300]);
  }
}

TEST(SegmentBuilder, BordersOfNamesTellKindsApart) {
  SegmentBuilder builder(test_region());
  projector_event one = event(1), two = event(2);
  one.bounded_context = str("ab"), one.aggregate_type = str("c");
  two.bounded_context = str("a"), two.aggregate_type = str("bc");
  builder.append(one);
  builder.append(two);
  EXPECT_EQ(builder.finish(0, 2, 1, base::Clock::now())->kinds().size(), 2u);
}

TEST(SegmentBuilder, FullByEventsOrBytes) {
  SegmentBuilder builder(test_region());
  EXPECT_FALSE(builder.full_for(100u << 20)) << "one event where it alone is larger";
  for (std::int64_t position = 1; position <= 1000; ++position) {
    EXPECT_FALSE(builder.full_for(10));
    builder.append(event(position));
  }
  EXPECT_TRUE(builder.full_for(10));
  builder.clear();
  builder.append(event(1, "a", std::string(900000, 'x')));
  EXPECT_FALSE(builder.full_for(100000));
  EXPECT_TRUE(builder.full_for(200000));
}

TEST(SegmentBuilder, BytesAreTheSegmentsMemory) {
  const auto small = segment(0, 10, 1);
  const auto large = segment(0, 10, 100001);
  EXPECT_NEAR(static_cast<double>(large->bytes() - small->bytes()), 1e6, 4096) << "blocks are whole pages";
  EXPECT_GE(small->bytes(), 10 * sizeof(projector_event));
}

TEST(SegmentBuilder, SegmentWithoutEvents) {
  SegmentBuilder builder(test_region());
  const auto made = builder.finish(10, 20, 1, base::Clock::now());
  EXPECT_TRUE(made->events().empty());
  EXPECT_EQ(made->to(), 20);
}

TEST(SegmentBuilder, Merging) {
  const auto merged = merge_segments({segment(0, 3), segment(3, 7, 1, false), segment(7, 9)}, test_region());
  EXPECT_EQ(merged->after(), 0);
  EXPECT_EQ(merged->to(), 9);
  ASSERT_EQ(merged->events().size(), 5u);
  EXPECT_EQ(merged->events()[3].global_position, 8);
  EXPECT_EQ(merged->aggregate_hashes()[4], base::fnv1a32("a"));
  EXPECT_EQ(merged->kinds().size(), 1u);
}

TEST(Filter, ListsAndPartitions) {
  Filter filter;
  const EventKind kind{"shop", "order", "created"};
  EXPECT_TRUE(filter.matches(kind));
  EXPECT_TRUE(filter.everything());
  EXPECT_TRUE(filter.matches_partition(7));
  filter.event_types = {"paid", "created"};
  EXPECT_TRUE(filter.matches(kind));
  filter.aggregate_types = {"customer"};
  EXPECT_FALSE(filter.matches(kind));
  filter.aggregate_types = {"order"};
  filter.bounded_contexts = {"sho"};
  EXPECT_FALSE(filter.matches(kind));
  filter = {};
  filter.partitions = 4;
  filter.partition = 3;
  EXPECT_FALSE(filter.everything());
  EXPECT_TRUE(filter.matches_partition(4294967295u));
  EXPECT_FALSE(filter.matches_partition(4294967294u));
}

TEST(SegmentBuilder, MakesRoomForLargeTextsThatComeLater) {
  SegmentBuilder builder(test_region());
  builder.append(event(1, "first", "one"));
  projector_event large = event(2, "second", "");
  large.metadata = {"", 4};
  large.correlation_id = str("correlation");
  const std::string payload(3 * kSegmentBytes, 'p');
  large.payload = {nullptr, payload.size()};
  const auto room = builder.append_without_large_text(large);
  std::memcpy(room.payload, payload.data(), payload.size());
  std::memcpy(room.metadata, "meta", 4);
  builder.append(event(3, "third", "three"));
  const auto made = builder.finish(0, 3, 1, base::TimePoint());
  ASSERT_EQ(made->events().size(), 3u);
  EXPECT_EQ(view(made->events()[0].payload), "one");
  EXPECT_EQ(view(made->events()[1].aggregate_id), "second");
  EXPECT_EQ(view(made->events()[1].payload), payload);
  EXPECT_EQ(view(made->events()[1].metadata), "meta");
  EXPECT_EQ(view(made->events()[1].correlation_id), "correlation");
  EXPECT_EQ(view(made->events()[2].aggregate_id), "third");
  EXPECT_EQ(view(made->events()[2].payload), "three");
  EXPECT_GE(made->bytes(), payload.size());
}

TEST(SegmentBuilder, TakesBackTheLastEvent) {
  SegmentBuilder builder(test_region());
  builder.append(event(1, "first", "one"));
  builder.append(event(2, "second", "two"));
  builder.drop_last();
  builder.append(event(3, "third", "three"));
  const auto made = builder.finish(0, 3, 1, base::TimePoint());
  ASSERT_EQ(made->events().size(), 2u);
  EXPECT_EQ(view(made->events()[0].payload), "one");
  EXPECT_EQ(made->events()[1].global_position, 3);
  EXPECT_EQ(view(made->events()[1].aggregate_id), "third");
  EXPECT_EQ(view(made->events()[1].payload), "three");
}

} // namespace
} // namespace projector::eventlog
