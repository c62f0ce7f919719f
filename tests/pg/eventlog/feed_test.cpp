#include "store_test.hpp"

#include "pg/quote.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <thread>

namespace projector::eventlog {
namespace {

using Positions = std::vector<std::int64_t>;

/// What cursors get, and at what cost in memory and reads.
class Feed : public StoreTest {
protected:
  void emit_kind(const std::string& kind, int count, int size = 20) {
    admin_->exec("SELECT emit(" + std::to_string(count) + ", '" + kind + "', " + std::to_string(size) + ")");
  }
  static base::TimePoint past() { return base::Clock::now() - std::chrono::seconds(1); }
  static base::TimePoint far() { return base::Clock::now() + std::chrono::seconds(60); }
};

TEST_F(Feed, EveryFieldArrives) {
  admin_->exec(
      "INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, "
      "event_version, payload, metadata, trace_id, correlation_id, causation_id, created_at) VALUES "
      "('ctx', 'typ', 'ä', -7, '00112233-4455-6677-8899-aabbccddeeff', 'evt', 3, '\\x00ff', '{\"a\": 1}', '', 'c', "
      "'d', '1970-01-01 00:00:01.000002+00'), "
      "('', '', '', 9223372036854775807, gen_random_uuid(), '', -1, '', NULL, NULL, NULL, NULL, 'infinity')");
  const auto log = open();
  const auto cursor = log->cursor({}, false, {});
  const auto next = cursor->next(0, far(), base::no_stop());
  ASSERT_EQ(next.status, Cursor::Status::Segment);
  ASSERT_EQ(next.segment->events().size(), 2u);
  const auto text = [](const projector_str& value) { return std::string_view(value.data, value.size); };
  const projector_event& one = next.segment->events()[0];
  EXPECT_EQ(one.struct_size, sizeof(projector_event));
  EXPECT_EQ(one.global_position, 1);
  EXPECT_EQ(text(one.bounded_context), "ctx");
  EXPECT_EQ(text(one.aggregate_type), "typ");
  EXPECT_EQ(text(one.aggregate_id), "ä");
  EXPECT_EQ(one.aggregate_version, -7);
  EXPECT_EQ(one.event_id[1], 0x11);
  EXPECT_EQ(one.event_id[15], 0xff);
  EXPECT_EQ(text(one.event_type), "evt");
  EXPECT_EQ(one.event_version, 3);
  EXPECT_EQ(text(one.payload), std::string_view("\0\xff", 2));
  EXPECT_EQ(text(one.metadata), "{\"a\": 1}");
  EXPECT_NE(one.trace_id.data, nullptr);
  EXPECT_EQ(one.trace_id.size, 0u);
  EXPECT_EQ(text(one.correlation_id), "c");
  EXPECT_EQ(text(one.causation_id), "d");
  EXPECT_EQ(one.created_at_us, 1000002);
  const projector_event& two = next.segment->events()[1];
  EXPECT_EQ(two.aggregate_version, std::numeric_limits<std::int64_t>::max());
  EXPECT_NE(two.payload.data, nullptr);
  EXPECT_EQ(two.payload.size, 0u);
  EXPECT_EQ(two.metadata.data, nullptr);
  EXPECT_EQ(two.trace_id.data, nullptr);
  EXPECT_EQ(two.created_at_us, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(next.segment->incarnation(), 1u);
}

TEST_F(Feed, DeadlineAndStopEndTheWait) {
  const auto log = open();
  const auto cursor = log->cursor({}, false, {});
  EXPECT_EQ(cursor->next(0, past(), base::no_stop()).status, Cursor::Status::NoneYet);
  EXPECT_EQ(cursor->next(0, base::Clock::now() + std::chrono::milliseconds(5), base::no_stop()).status,
            Cursor::Status::NoneYet);
  base::Stop stop;
  std::thread stopper([&] { stop.request(); });
  EXPECT_EQ(cursor->next(0, far(), stop).status, Cursor::Status::Stopped);
  stopper.join();
}

TEST_F(Feed, PastDeadlineStartsTheReadAllTheSame) {
  emit_kind("a", 5000);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  const auto cursor = log->cursor({}, false, {});
  ASSERT_TRUE(
      test::eventually([&] { return cursor->next(3000, past(), base::no_stop()).status == Cursor::Status::Segment; }));
}

TEST_F(Feed, NotificationsWakeTheTail) {
  auto with = options();
  with.poll_interval = std::chrono::hours(1);
  with.notify_channel = "events of \"mine\"";
  const auto log = open(with);
  Follower follower(*log);
  ASSERT_TRUE(test::eventually([&] { // until the listener listens
    admin_->exec("SELECT pg_notify('events of \"mine\"', '')");
    return log->snapshot().looks >= 3;
  }));
  for (int round = 1; round <= 20; ++round) {
    admin_->exec("WITH e AS (SELECT emit(1)) SELECT pg_notify('events of \"mine\"', '') FROM e");
    follower.read_to(round);
  }
  EXPECT_EQ(follower.positions(), stored());
}

TEST_F(Feed, CatchingUpNeedsFewLooksAndOneReadForAll) {
  emit_kind("a", 30000);
  admin_->exec("DELETE FROM events WHERE global_position BETWEEN 5001 AND 25000"); // old gaps do not matter
  emit_kind("a", 10000);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  EXPECT_EQ(log->settled(), 40000);
  EXPECT_LE(log->snapshot().looks, 3u);
  std::vector<std::unique_ptr<Follower>> followers;
  std::vector<std::thread> threads;
  for (int count = 0; count < 10; ++count) {
    followers.push_back(std::make_unique<Follower>(*log, Filter{}, false, 0, base::TimePoint()));
    threads.emplace_back([&follower = *followers.back()] { follower.read_to(40000); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const auto expected = stored();
  for (const auto& follower : followers) {
    EXPECT_EQ(follower->positions(), expected);
  }
  // Some of it came with the looks; nothing was read twice.
  EXPECT_LE(log->snapshot().events_read, 20000u);
}

TEST_F(Feed, ANewCursorSeesWhatWasErasedAndCorrectedMeanwhile) {
  emit_kind("a", 3000, 20);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  Follower live(*log);
  live.read_to(3000);
  admin_->exec("DELETE FROM events WHERE global_position % 3 = 0");
  admin_->exec("UPDATE events SET payload = ''");
  Follower anew(*log);
  anew.read_to(3000);
  EXPECT_EQ(anew.positions(), stored());
  EXPECT_EQ(anew.payload_bytes(), 0u);
  // One that starts in the middle, and one whose filter it passes by, as well.
  Filter filter;
  filter.event_types = {"a"};
  Follower middle(*log, filter, true, 1500);
  middle.read_to(3000);
  EXPECT_EQ(middle.positions(), stored("global_position > 1500"));
  EXPECT_EQ(middle.payload_bytes(), 0u);
  // What comes now is shared by all again.
  const auto before = log->snapshot();
  emit_kind("a", 100, 20);
  for (Follower* follower : {&live, &anew, &middle}) {
    follower->read_to(3100);
  }
  EXPECT_EQ(log->snapshot().events_read, before.events_read);
}

TEST_F(Feed, CursorsOfOneStartShareOneNewReadOfWhatIsCached) {
  emit_kind("a", 20000);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  Follower live(*log);
  live.read_to(20000);
  const auto before = log->snapshot();
  const auto start = base::Clock::now();
  std::vector<std::unique_ptr<Follower>> followers;
  std::vector<std::thread> threads;
  for (int count = 0; count < 10; ++count) {
    followers.push_back(std::make_unique<Follower>(*log, Filter{}, false, 0, start));
    threads.emplace_back([&follower = *followers.back()] { follower.read_to(20000); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const auto expected = stored();
  for (const auto& follower : followers) {
    EXPECT_EQ(follower->positions(), expected);
  }
  EXPECT_EQ(log->snapshot().events_read - before.events_read, 20000u);
}

TEST_F(Feed, PrefetchKeepsAheadOfTheCursor) {
  emit_kind("a", 60000);
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  const auto cursor = log->cursor({}, false, {});
  const auto first = cursor->next(30000, far(), base::no_stop());
  ASSERT_EQ(first.status, Cursor::Status::Segment);
  ASSERT_TRUE(test::eventually([&] { return log->snapshot().events_read >= 9000; }));
  for (std::int64_t position = first.segment->to(), count = 0; count < 8; ++count) {
    const auto next = cursor->next(position, far(), base::no_stop()); // two reads at once need not end in order
    ASSERT_EQ(next.status, Cursor::Status::Segment) << position;
    position = next.segment->to();
  }
}

TEST_F(Feed, FilterPartitionAndMiddle) {
  for (int round = 0; round < 50; ++round) {
    emit_kind("a", 3);
    emit_kind("b", 2);
  }
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  Filter only_b;
  only_b.event_types = {"b", "never"};
  Follower filtered(*log, only_b);
  filtered.read_to(250);
  EXPECT_EQ(filtered.positions(), stored("event_type = 'b'"));
  Follower middle(*log, {}, false, 123);
  middle.read_to(250);
  EXPECT_EQ(middle.positions(), stored("global_position > 123"));
  Positions all;
  for (std::uint32_t partition = 0; partition < 3; ++partition) {
    Filter filter;
    filter.partition = partition;
    filter.partitions = 3;
    Follower part(*log, filter);
    part.read_to(250);
    EXPECT_GT(part.positions().size(), 40u);
    all.insert(all.end(), part.positions().begin(), part.positions().end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, stored());
}

TEST_F(Feed, LoneStragglerReadsItsOwnPastTheCache) {
  for (int round = 0; round < 10; ++round) {
    emit_kind("common", 9990);
    emit_kind("rare", 10);
  }
  const auto log = open();
  ASSERT_TRUE(log->settle(base::no_stop()));
  const auto live = log->cursor({}, false, {});
  EXPECT_EQ(live->next(100000, past(), base::no_stop()).status, Cursor::Status::NoneYet);
  const auto before = log->snapshot();
  Filter rare;
  rare.event_types = {"rare"};
  rare.bounded_contexts = {"shop", "else"};
  Follower straggler(*log, rare);
  straggler.read_to(30000);
  EXPECT_EQ(straggler.positions(),
            stored("event_type = 'rare' AND global_position <= " + std::to_string(straggler.position())));
  EXPECT_LE(log->snapshot().events_read - before.events_read, 200u);
  straggler.read_to(100000);
  EXPECT_EQ(straggler.positions(), stored("event_type = 'rare'"));
}

TEST_F(Feed, MemoryStaysWithinTheBudget) {
  emit_kind("big", 200, 100000);
  auto with = options();
  with.memory = 2u << 20;
  const auto log = open(with);
  ASSERT_TRUE(log->settle(base::no_stop()));
  std::vector<std::unique_ptr<Follower>> followers;
  for (int count = 0; count < 4; ++count) {
    followers.push_back(std::make_unique<Follower>(*log, Filter{}, false, 50 * count));
  }
  std::size_t highest = 0;
  for (std::int64_t step = 10; step <= 200; step += 10) {
    for (const auto& follower : followers) {
      follower->read_to(step);
      highest = std::max(highest, log->snapshot().cached_bytes);
    }
  }
  EXPECT_LE(highest, with.memory);
  for (int count = 0; count < 4; ++count) {
    EXPECT_EQ(followers[static_cast<std::size_t>(count)]->positions(),
              stored("global_position > " + std::to_string(50 * count)));
  }
}

TEST_F(Feed, EventLargerThanTheBudget) {
  emit_kind("small", 3);
  emit_kind("huge", 2, 3000000);
  emit_kind("small", 3);
  auto with = options();
  with.memory = 1u << 20;
  const auto log = open(with);
  expect_all_delivered(*log);
  const auto other = session();
  other->exec("BEGIN");
  emit(*other);
  emit_kind("huge", 3, 3000000);
  await_gap(*log);
  other->exec("COMMIT");
  expect_all_delivered(*log);
  EXPECT_LE(log->snapshot().cached_bytes, with.memory);
}

TEST_F(Feed, LargeEventsAreReadInPieces) {
  constexpr int kLarge = 5 << 20;
  admin_->exec("ALTER TABLE events ALTER payload SET STORAGE EXTERNAL");
  const auto log = open();
  Follower live(*log);
  emit_kind("small", 2);
  emit_kind("large", 1, kLarge);
  emit_kind("small", 2);
  emit_kind("large", 2, kLarge);
  admin_->exec("UPDATE events SET metadata = jsonb_build_object('text', repeat('y', 3000000)), payload = "
               "substring(payload FROM 1 FOR 2000000) || payload || '\\x00' WHERE global_position = 6");
  live.read_to(7);
  EXPECT_EQ(live.positions(), stored());
  expect_all_delivered(*log);
  const auto next = log->cursor({}, false, {})->next(5, far(), base::no_stop());
  ASSERT_EQ(next.status, Cursor::Status::Segment);
  const projector_event& large = next.segment->events()[0];
  ASSERT_EQ(large.global_position, 6);
  const auto same =
      admin_->exec("SELECT md5(payload), octet_length(metadata::text) FROM events WHERE global_position = 6");
  const auto hash =
      admin_->exec("SELECT md5($1::bytea)", pg::Parameters().binary({large.payload.data, large.payload.size}, 17));
  EXPECT_EQ(hash.bytes(0, 0), same.bytes(0, 0));
  EXPECT_EQ(static_cast<std::int64_t>(large.metadata.size), same.int8(0, 1));
}

TEST_F(Feed, LargeEventsFillAGap) {
  const auto log = open();
  Follower live(*log);
  const auto other = session();
  other->exec("BEGIN");
  other->exec("SELECT emit(1, 'small')");
  other->exec("SELECT emit(2, 'large', 3000000)");
  emit_kind("large", 1, 3000000);
  emit_kind("small", 3);
  await_gap(*log);
  EXPECT_EQ(log->settled(), 0);
  other->exec("COMMIT");
  live.read_to(7);
  EXPECT_EQ(live.positions(), stored());
  EXPECT_EQ(stored().size(), 7u);
}

TEST_F(Feed, SmallTailSegmentsAreMerged) {
  const auto log = open();
  Follower live(*log, Filter{}, false, 0, base::TimePoint());
  for (int round = 1; round <= 64; ++round) {
    emit(*admin_);
    live.read_to(round);
  }
  ASSERT_TRUE(test::eventually([&] {
    emit(*admin_); // merging follows what is flushed
    log->settle(base::no_stop());
    const auto late = log->cursor({}, false, {});
    const auto next = late->next(0, far(), base::no_stop());
    return next.segment && next.segment->events().size() >= 16;
  }));
  EXPECT_EQ(log->snapshot().reads, 0u);
  expect_all_delivered(*log);
}

TEST_F(Feed, AHundredCursorsWait) {
  const auto log = open();
  std::vector<std::unique_ptr<Follower>> followers;
  std::vector<std::thread> threads;
  for (int count = 0; count < 100; ++count) {
    followers.push_back(std::make_unique<Follower>(*log, Filter{}, count % 2 == 1));
    threads.emplace_back([&follower = *followers.back()] { follower.read_to(20); });
  }
  for (int round = 0; round < 20; ++round) {
    emit(*admin_);
  }
  for (auto& thread : threads) {
    thread.join();
  }
  for (const auto& follower : followers) {
    EXPECT_EQ(follower->positions(), stored());
  }
}

TEST_F(Feed, LagQueryTellsTheHighestPositionAndTheAgeOfTheOldestAbove) {
  emit_kind("a", 5);
  const auto rows = admin_->exec(lag_query("public.events"), pg::Parameters().int8_array({3, 5}));
  ASSERT_EQ(rows.rows(), 3u);
  EXPECT_TRUE(rows.is_null(0, 0));
  EXPECT_EQ(rows.int8(0, 1), 5);
  EXPECT_EQ(rows.int8(1, 0), 3);
  EXPECT_FALSE(rows.is_null(1, 2));
  EXPECT_EQ(rows.int8(2, 0), 5);
  EXPECT_TRUE(rows.is_null(2, 2));
}

TEST_F(Feed, SchemaIsMadeTwiceWithGrantsForARole) {
  const std::string role = "Reader " + std::to_string(admin_->backend_pid());
  admin_->exec("CREATE ROLE " + pg::quote_identifier(role) + " LOGIN");
  for (int times = 0; times < 2; ++times) {
    admin_->script(store_schema("more.\"Strange events\"", role));
  }
  auto with = options();
  with.connect.dsn += " user='" + role + "'";
  with.events_table = "more.\"Strange events\"";
  const auto log = open(with);
  ASSERT_TRUE(log->settle(base::no_stop()));
  EXPECT_EQ(log->settled(), 0);
  EXPECT_EQ(admin_->exec("SELECT count(*) FROM pg_indexes WHERE schemaname = 'more' AND tablename = 'Strange events'")
                .int8(0, 0),
            5);
  EXPECT_EQ(admin_->exec("SELECT count(*) FROM more.aggregate_heads").int8(0, 0), 0);
}

} // namespace
} // namespace projector::eventlog
