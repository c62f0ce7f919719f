#include "store_test.hpp"

#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

namespace projector::eventlog {
namespace {

/// Writers that mix every way in which a position can be drawn and not be there yet, or never.
class Load : public StoreTest {
protected:
  void SetUp() override {
    admin_->script(
        "CREATE TABLE orders (id int); "
        "CREATE FUNCTION order_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM emit(2, 'trigger'); "
        "RETURN NEW; END $$; "
        "CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION order_event()");
  }

  void write(unsigned writer) {
    std::minstd_rand random(writer + 1);
    const auto connection = session();
    if (writer % 2 == 1) {
      connection->exec("SET synchronous_commit = off");
    }
    for (int round = 0; written_ < events_; ++round) {
      const std::string gid =
          "'" + dsn_.substr(dsn_.find("dbname=") + 7, 12) + std::to_string(writer) + "-" + std::to_string(round) + "'";
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

  const long events_ = std::getenv("PROJECTOR_TEST_LONG") != nullptr ? 200000 : 20000;
  std::atomic<long> written_{0};
};

TEST_F(Load, EightWritersAndThreeReaders) {
  const auto log = open();
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
  std::vector<std::thread> writers;
  for (unsigned writer = 0; writer < 8; ++writer) {
    writers.emplace_back([this, writer] { write(writer); });
  }
  for (auto& writer : writers) {
    writer.join();
  }
  end = emit(*admin_);
  const std::int64_t last = emit(*admin_); // for readers that wait for one more event
  for (auto& reader : readers) {
    reader.join();
  }
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
  EXPECT_EQ(log->incarnation(), 1u);
}

} // namespace
} // namespace projector::eventlog
