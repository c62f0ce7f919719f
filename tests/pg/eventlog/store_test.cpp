#include "store_test.hpp"

namespace projector::eventlog {

void Reports::add(bool warning, const std::string& text) {
  const std::lock_guard lock(mutex_);
  texts_.push_back((warning ? "warning: " : "") + text);
}

bool Reports::any_holds(const std::string& part) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(texts_.begin(), texts_.end(),
                     [&](const auto& text) { return text.find(part) != std::string::npos; });
}

std::string Reports::all() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const auto& text : texts_) {
    all += text + "\n";
  }
  return all;
}

Follower::Follower(EventLog& log, Filter filter, bool durable_only, std::int64_t after, base::TimePoint not_before)
    : cursor_(log.cursor(filter, durable_only, not_before)), filter_(std::move(filter)), position_(after) {}

void Follower::read_to(std::int64_t target) {
  const base::TimePoint limit = base::Clock::now() + std::chrono::seconds(60);
  while (position_ < target) {
    const Cursor::Next next = cursor_->next(position_, limit, base::no_stop());
    ASSERT_EQ(next.status, Cursor::Status::Segment) << next.reason << " at " << position_ << " of " << target;
    const Segment& segment = *next.segment;
    ASSERT_LE(segment.after(), position_);
    ASSERT_GT(segment.to(), position_);
    for (std::size_t index = 0; index < segment.events().size(); ++index) {
      const projector_event& event = segment.events()[index];
      ASSERT_GT(event.global_position, segment.after());
      ASSERT_LE(event.global_position, segment.to());
      if (event.global_position > position_ && filter_.matches(segment.kinds()[segment.event_kinds()[index]]) &&
          filter_.matches_partition(segment.aggregate_hashes()[index])) {
        positions_.push_back(event.global_position);
        payload_bytes_ += event.payload.size;
      }
    }
    position_ = segment.to();
  }
}

StoreTest::StoreTest(test::PrivatePostgres& server)
    : server_(server), dsn_(server.create_database()), admin_(session()) {
  install();
}

void StoreTest::install() {
  admin_->script(store_schema("events", ""));
  admin_->script(R"(
    CREATE FUNCTION emit(n int, kind text DEFAULT 'created', size int DEFAULT 20) RETURNS bigint LANGUAGE sql AS $$
      WITH added AS (
        INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, event_type, payload)
        SELECT 'shop', 'order', gen_random_uuid()::text, 1, gen_random_uuid(), kind, convert_to(repeat('x', size), 'UTF8')
        FROM generate_series(1, n) RETURNING global_position)
      SELECT max(global_position) FROM added $$)");
}

pg::ConnectOptions StoreTest::connect_options(const std::string& user) const {
  pg::ConnectOptions connect;
  connect.dsn = user.empty() ? dsn_ : dsn_ + " user=" + user;
  return connect;
}

std::unique_ptr<pg::Connection> StoreTest::session() const {
  return std::make_unique<pg::Connection>(connect_options(), base::no_stop());
}

std::int64_t StoreTest::emit(pg::Connection& connection, int count) {
  return connection.exec("SELECT emit(" + std::to_string(count) + ")").int8(0, 0);
}

EventLogOptions StoreTest::options() {
  EventLogOptions with;
  with.connect = connect_options();
  with.poll_interval = std::chrono::milliseconds(2);
  with.retry_backoff = std::chrono::milliseconds(5);
  with.retry_backoff_max = std::chrono::milliseconds(50);
  with.gap_report_after = base::Duration::zero();
  with.report = [this](bool warning, const std::string& text) { reports_.add(warning, text); };
  return with;
}

std::unique_ptr<EventLog> StoreTest::open(EventLogOptions with) {
  return EventLog::open(std::move(with), base::no_stop());
}

std::string StoreTest::refusal(EventLogOptions with) {
  try {
    open(std::move(with));
  } catch (const StoreRefused& refused) {
    return refused.what();
  }
  ADD_FAILURE() << "the store was not refused";
  return {};
}

std::vector<std::int64_t> StoreTest::stored(const std::string& where) {
  const auto rows = admin_->exec("SELECT global_position FROM events WHERE " + where + " ORDER BY 1");
  std::vector<std::int64_t> positions;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    positions.push_back(rows.int8(row, 0));
  }
  return positions;
}

void StoreTest::expect_all_delivered(EventLog& log) {
  ASSERT_TRUE(log.settle(base::no_stop()));
  // A poll publishes before it ends, and only its end takes back that the log was halted.
  ASSERT_TRUE(test::eventually([&] { return log.snapshot().halted.empty(); })) << log.snapshot().halted;
  Follower follower(log);
  const auto expected = stored();
  follower.read_to(log.settled());
  EXPECT_EQ(follower.positions(), expected);
  if (!expected.empty()) {
    EXPECT_GE(log.settled(), expected.back());
  }
}

void StoreTest::await_gap(EventLog& log) {
  ASSERT_TRUE(test::eventually([&] { return !log.snapshot().waiting.empty(); })) << reports_.all();
}

} // namespace projector::eventlog
