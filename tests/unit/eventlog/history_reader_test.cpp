#include "eventlog/history_reader.hpp"
#include "segments.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <thread>

namespace projector::eventlog::test {
namespace {

TEST(HistoryReader, GoesOnWhenNotEvenAFailureCanBeReported) {
  EventLogOptions options;
  options.connect.dsn = "host=/nowhere dbname=none";
  options.retry_backoff = options.retry_backoff_max = std::chrono::milliseconds(1);
  std::atomic<int> reports = 0;
  base::Stop stop;
  options.report = [&](bool /*warning*/, const std::string& /*text*/) {
    if (++reports == 3) {
      stop.request();
    }
    throw std::bad_alloc();
  };
  SharedLog shared(1u << 20, 1, test_region());
  shared.connected(Store{}, RememberedStore(10));
  HistoryReader reader(options, shared, stop);
  std::jthread thread([&] { reader.run(); });
  const auto cursor = shared.add_cursor({}, false, base::Clock::now());
  shared.restarted(*cursor);
  EXPECT_EQ(shared.next(cursor, 0, base::never(), stop).status, Cursor::Status::Stopped);
  EXPECT_EQ(reports, 3);
}

} // namespace
} // namespace projector::eventlog::test
