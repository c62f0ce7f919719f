#include "eventlog/event_log.hpp"

#include "eventlog/history_reader.hpp"
#include "eventlog/listener.hpp"
#include "eventlog/shared_log.hpp"
#include "eventlog/tail.hpp"

#include <future>
#include <stop_token>
#include <thread>
#include <vector>

namespace projector::eventlog {
namespace {

constexpr std::size_t kHistoryReaders = 2;

/// What readers are building and cursors were handed is part of the budget too.
constexpr std::size_t cache_budget(std::size_t memory) {
  return memory - memory / 8;
}

class LogCursor final : public Cursor {
public:
  LogCursor(SharedLog& shared, std::shared_ptr<CursorState> state) : shared_(shared), state_(std::move(state)) {}
  ~LogCursor() override { shared_.remove_cursor(state_); }

  Next next(std::int64_t after, base::TimePoint deadline, const base::Stop& stop) override {
    return shared_.next(state_, after, deadline, stop);
  }
  void restarted() override { shared_.restarted(*state_); }

private:
  SharedLog& shared_;
  std::shared_ptr<CursorState> state_;
};

class ThreadedEventLog final : public EventLog {
public:
  explicit ThreadedEventLog(EventLogOptions options)
      : options_(std::move(options)), shared_(cache_budget(options_.memory), kHistoryReaders),
        tail_(options_, shared_, stop_), listener_(options_, shared_, stop_) {
    for (std::size_t count = 0; count < kHistoryReaders; ++count) {
      readers_.push_back(std::make_unique<HistoryReader>(options_, shared_, stop_));
    }
  }

  ~ThreadedEventLog() override { stop_.request(); }

  void start(const base::Stop& stop) {
    std::promise<void> opened;
    auto outcome = opened.get_future();
    threads_.emplace_back([this, promise = std::move(opened)]() mutable { tail_.run(std::move(promise)); });
    {
      const std::stop_callback forward(stop.token(), [this] { stop_.request(); });
      outcome.get();
    }
    for (const auto& reader : readers_) {
      threads_.emplace_back([&reader] { reader->run(); });
    }
    if (!options_.notify_channel.empty()) {
      threads_.emplace_back([this] { listener_.run(); });
    }
  }

  std::unique_ptr<Cursor> cursor(Filter filter, bool durable_only) override {
    return std::make_unique<LogCursor>(shared_, shared_.add_cursor(std::move(filter), durable_only));
  }
  [[nodiscard]] std::int64_t settled() const override { return shared_.settled(); }
  [[nodiscard]] std::int64_t durable_settled() const override { return shared_.durable(); }
  [[nodiscard]] std::int64_t last_position() const override { return shared_.last_position(); }
  [[nodiscard]] std::uint64_t incarnation() const override { return shared_.incarnation(); }
  bool confirm(std::uint64_t incarnation, const base::Stop& stop) override {
    return shared_.confirm(incarnation, stop);
  }
  [[nodiscard]] StoreIdentity identity() const override { return shared_.identity(); }
  bool settle(const base::Stop& stop) override { return shared_.settle(stop); }
  [[nodiscard]] Snapshot snapshot() const override { return shared_.snapshot(); }

private:
  const EventLogOptions options_;
  base::Stop stop_;
  SharedLog shared_;
  Tail tail_;
  Listener listener_;
  std::vector<std::unique_ptr<HistoryReader>> readers_;
  std::vector<std::jthread> threads_; ///< last: joined before what they use goes
};

} // namespace

std::unique_ptr<EventLog> EventLog::open(EventLogOptions options, const base::Stop& stop) {
  auto log = std::make_unique<ThreadedEventLog>(std::move(options));
  log->start(stop);
  return log;
}

} // namespace projector::eventlog
