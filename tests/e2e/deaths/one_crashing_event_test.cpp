#include "beside_nine.hpp"

#include "support/long_run.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string>

namespace projector::test {
namespace {

class OneCrashingEvent : public BesideNine {
protected:
  void append(std::uint64_t events) {
    value(fmt::format("INSERT INTO events (bounded_context, aggregate_type, aggregate_id, aggregate_version, event_id, "
                      "event_type, payload) SELECT 'shop', 'Order', gen_random_uuid(), 1, gen_random_uuid(), "
                      "'OrderPlaced', '{{}}' FROM generate_series(1, {}) i",
                      events));
  }
};

TEST_F(OneCrashingEvent, IsFoundByHalving) {
  const auto events = size_of_run(20000, 1000000);
  append(events * 7 / 10 + 123);
  const auto deadly = append_deadly();
  append(events * 3 / 10);
  add_tenth(dying("handle", "segv", "batch_size = 1000\n"));
  const auto begin = std::chrono::steady_clock::now();
  host_.start();
  ASSERT_TRUE(becomes("SELECT state FROM projector_workers WHERE name = 'dies'", "failed")) << everything();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_TRUE(tenth_becomes(fmt::format("failed: event at position {} \\(Deadly of Order deadly\\) was rejected: its "
                                        "process ended in handle with signal 11 \\(Segmentation fault\\) at "
                                        "dies\\.so\\+0x[0-9a-f]+, address 0x8",
                                        deadly)))
      << everything();
  EXPECT_EQ(value("SELECT count(*) || ' ' || max(global_position) FROM dies_seen"), fmt::format("{0} {0}", deadly - 1));
  EXPECT_EQ(value("SELECT position FROM projector_checkpoints WHERE checkpoint = 'dies'"), std::to_string(deadly - 1));
  replace_tenth();
  EXPECT_EQ(read_model_difference(dsn_, "recorder", "dies"), 0) << everything();
  fmt::print("the event at {} of {} found after {:.2f} s\n", deadly, last_position(), seconds);
  EXPECT_EQ(host_.stop(), 0) << everything();
}

} // namespace
} // namespace projector::test
