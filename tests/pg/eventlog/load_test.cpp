#include "store_test.hpp"

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

namespace projector::eventlog {
namespace {

/// What a log meets at its start.
struct Start {
  const char* name;
  bool backlog;       ///< half of the events are there already
  std::size_t memory; ///< a small one leaves rows out of every poll
};

/// Writers that mix every way in which a position can be drawn and not be there yet, or never.
class Load : public StoreTest, public ::testing::WithParamInterface<Start> {
protected:
  void SetUp() override {
    admin_->script(
        "CREATE TABLE orders (id int); "
        "CREATE FUNCTION order_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM emit(2, 'trigger'); "
        "RETURN NEW; END $$; "
        "CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION order_event()");
  }

  /// Until so many events are written in all.
  void write(unsigned writer, long events) {
    std::minstd_rand random(writer + 1 + static_cast<unsigned>(events));
    const auto connection = session();
    if (writer % 2 == 1) {
      connection->exec("SET synchronous_commit = off");
    }
    for (int round = 0; written_ < events; ++round) {
      const std::string gid = "'" + dsn_.substr(dsn_.find("dbname=") + 7, 12) + std::to_string(writer) + "-" +
                              std::to_string(events) + "-" + std::to_string(round) + "'";
      const auto run = [&](const std::string& sql) { connection->exec(sql); };
      const int count = 1 + static_cast<int>(random() % 8);
      const std::string emit_some =
          "SELECT emit(" + std::to_string(count) + ", 'kind" + std::to_string(random() % 4) + "')";
      switch (random() % 10) {
      case 0:
        run("BEGIN"), run(emit_some), run("SELECT pg_sleep(0.002)"), run("ROLLBACK");
        continue;
      case 1:
        run("BEGIN"), run("SAVEPOINT s"), run(emit_some), run("ROLLBACK TO s"), run(emit_some), run("COMMIT");
        break;
      case 2: {
        run("BEGIN");
        const auto position = connection->exec("SELECT nextval('events_global_position_seq')").int8(0, 0);
        run(emit_some);
        run("SELECT pg_sleep(0.001)");
        run("INSERT INTO events (global_position, bounded_context, aggregate_type, aggregate_id, aggregate_version, "
            "event_id, "
            "event_type, payload) VALUES (" +
            std::to_string(position) + ", 'shop', 'order', gen_random_uuid(), 1, gen_random_uuid(), 'ahead', '')");
        run("COMMIT");
        break;
      }
      case 3:
        run("BEGIN"), run(emit_some), run("PREPARE TRANSACTION " + gid);
        run("SELECT pg_sleep(0.003)");
        run((random() % 2 == 0 ? "COMMIT PREPARED " : "ROLLBACK PREPARED ") + gid);
        break;
      case 4:
        run("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
            "event_type, "
            "payload) VALUES ('shop', 'order', 'the only one', 1, gen_random_uuid(), 'once', '') ON CONFLICT DO "
            "NOTHING");
        break;
      case 5:
        run("INSERT INTO orders SELECT generate_series(1, 3)");
        break;
      case 6:
        run("BEGIN"), run(emit_some), run("SELECT pg_sleep(0.005)"), run(emit_some), run("COMMIT");
        break;
      default:
        run(emit_some);
      }
      written_ += count;
    }
  }

  /// Eight of them, until so many events are written in all.
  std::vector<std::thread> start_writers(long events) {
    std::vector<std::thread> writers;
    for (unsigned writer = 0; writer < 8; ++writer) {
      writers.emplace_back([this, writer, events] { write(writer, events); });
    }
    return writers;
  }
  static void join(std::vector<std::thread>& threads) {
    for (auto& thread : threads) {
      thread.join();
    }
  }

  const long events_ = std::getenv("PROJECTOR_TEST_LONG") != nullptr ? 200000 : 20000;
  std::atomic<long> written_{0};
};

TEST_P(Load, EightWritersAndThreeReaders) {
  if (GetParam().backlog) {
    auto writers = start_writers(events_ / 2);
    join(writers);
  }
  auto writers = start_writers(events_);
  auto with = options();
  with.memory = GetParam().memory;
  const auto log = open(with);
  constexpr std::int64_t kMiddle = 3000;
  Filter some;
  some.event_types = {"kind1", "trigger", "ahead"};
  some.partitions = 2;
  some.partition = 1;
  Follower filtered(*log, some), middle(*log, {}, false, kMiddle), durable(*log, {}, true);
  std::atomic<std::int64_t> end{0};
  std::vector<std::thread> readers;
  for (Follower* follower : {&filtered, &middle, &durable}) {
    readers.emplace_back([&, follower] {
      do {
        follower->read_to(std::max(end.load(), follower->position() + (end == 0 ? 1 : 0)));
      } while (!::testing::Test::HasFailure() && (end == 0 || follower->position() < end));
    });
  }
  join(writers);
  end = emit(*admin_);
  const std::int64_t last = emit(*admin_); // for readers that wait for one more event
  join(readers);
  for (Follower* follower : {&filtered, &middle, &durable}) {
    follower->read_to(last);
  }
  const auto all = stored();
  EXPECT_EQ(durable.positions(), all);
  EXPECT_EQ(middle.positions(), stored("global_position > " + std::to_string(kMiddle)));
  Follower again(*log, some);
  again.read_to(last);
  EXPECT_EQ(filtered.positions(), again.positions());
  EXPECT_GT(filtered.positions().size(), 100u);
  Follower late(*log);
  late.read_to(last);
  EXPECT_EQ(late.positions(), all);
  EXPECT_LT(all.size(), static_cast<std::size_t>(last)) << "no gap was left: the load does not test what it should";
  EXPECT_EQ(log->snapshot().halted, "");
  EXPECT_FALSE(reports_.any_holds("gap  ")) << "a wait without a gap was reported as one";
  EXPECT_EQ(log->incarnation(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Starts, Load,
                         ::testing::Values(Start{"EmptyTable", false, 64u << 20}, Start{"Backlog", true, 64u << 20},
                                           Start{"EmptyTableSmallMemory", false, 256u << 10},
                                           Start{"BacklogSmallMemory", true, 256u << 10}),
                         [](const auto& start) { return std::string(start.param.name); });

using Backlog = StoreTest;

/// Each poll reads a part of the rows, finds no gap, and meets short transactions that end beside one that goes on.
TEST_F(Backlog, ShortTransactionsOverlapALongOneWhileEveryPollIsCut) {
  emit(*admin_, 3000);
  const auto long_one = session();
  long_one->exec("BEGIN");
  const std::int64_t drawn = long_one->exec("SELECT nextval('events_global_position_seq')").int8(0, 0);
  std::atomic<bool> done{false};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&] {
      const auto connection = session();
      while (!done) {
        connection->exec("BEGIN");
        emit(*connection);
        connection->exec("SELECT pg_sleep(0.001)");
        connection->exec("COMMIT");
      }
    });
  }
  auto with = options();
  with.memory = 64u << 10;
  const auto log = open(with);
  Follower follower(*log);
  follower.read_to(drawn - 1);
  done = true;
  for (auto& writer : writers) {
    writer.join();
  }
  EXPECT_EQ(log->settled(), drawn - 1);
  long_one->exec("ROLLBACK");
  expect_all_delivered(*log);
  EXPECT_FALSE(reports_.any_holds("gap  ")) << "a wait without a gap was reported as one";
}

} // namespace
} // namespace projector::eventlog
