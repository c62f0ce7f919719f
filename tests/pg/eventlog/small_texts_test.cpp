#include "store_test.hpp"

#include "eventlog/store_check.hpp"

#include <string>

namespace projector::eventlog {
namespace {

/// As a history reader evaluates it before each read.
class SmallTexts : public StoreTest {
protected:
  std::string only_small() {
    const auto store = check_store(*admin_, "events");
    const auto row = admin_->exec("SELECT " + store.only_small_text_sql);
    return row.is_null(0, 0) ? "unknown" : std::string(row.bytes(0, 0));
  }
  void append(const std::string& bytes) {
    admin_->exec("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                 "event_type, payload) SELECT 'c', 'a', gen_random_uuid(), 1, gen_random_uuid(), 't', " +
                 bytes);
  }
};

TEST_F(SmallTexts, AreKnownUntilARowIsStoredInParts) {
  EXPECT_EQ(only_small(), "t");
  append("convert_to(repeat('x', 100000), 'UTF8')"); // compressed into the row
  EXPECT_EQ(only_small(), "t");
  append("convert_to((SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 200)), 'UTF8')");
  EXPECT_EQ(only_small(), "f");
}

TEST_F(SmallTexts, AreNotKnownWhereLargerRowsAreStoredWhole) {
  admin_->exec("ALTER TABLE events ALTER payload SET STORAGE main");
  EXPECT_EQ(only_small(), "f");
  admin_->exec("ALTER TABLE events ALTER payload SET STORAGE extended");
  EXPECT_EQ(only_small(), "t");
  admin_->exec("ALTER TABLE events SET (toast_tuple_target = 8160)");
  EXPECT_EQ(only_small(), "f");
}

TEST_F(SmallTexts, AreReadWholeAndLargeOnesInPartsByOneReader) {
  const auto read_to = [&](EventLog& log, std::int64_t position) {
    Follower follower(log); // ends before its log
    follower.read_to(position);
    return follower.payload_bytes();
  };
  auto log = open();
  emit(*admin_, 5);
  append("convert_to(repeat('x', 3000000), 'UTF8')"); // 3 MB that are compressed to 34 KB
  const auto last = emit(*admin_, 5);
  const auto bytes = read_to(*log, last);
  EXPECT_GE(bytes, 3000000u);
  log = open();
  EXPECT_EQ(read_to(*log, last), bytes);
}

} // namespace
} // namespace projector::eventlog
