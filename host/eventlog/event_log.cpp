#include "eventlog/event_log.hpp"

#include "eventlog/log_threads.hpp"
#include "eventlog/shared_log.hpp"

#include <utility>

namespace projector::eventlog {
namespace {

/// The rest is for segments that are being built or that only cursors hold.
constexpr std::size_t cache_budget(std::size_t memory) {
  return memory - memory / 8;
}

class SharedCursor final : public Cursor {
public:
  SharedCursor(SharedLog& shared, std::shared_ptr<CursorState> state) : shared_(shared), state_(std::move(state)) {}
  ~SharedCursor() override { shared_.remove_cursor(state_); }

  Next next(std::int64_t after, base::TimePoint deadline, const base::Stop& stop) override {
    return shared_.next(state_, after, deadline, stop);
  }
  void restarted() override { shared_.restarted(*state_); }

private:
  SharedLog& shared_;
  std::shared_ptr<CursorState> state_;
};

/// Owns the shared log and the threads that fill it.
class SharedEventLog final : public EventLog {
public:
  explicit SharedEventLog(EventLogOptions options)
      : options_(std::move(options)),
        shared_(cache_budget(options_.memory), options_.history_readers, Region::create(options_.memory)),
        threads_(options_, shared_) {}

  void start(const base::Stop& stop) { threads_.start(stop); }

  std::unique_ptr<Cursor> cursor(Filter filter, bool durable_only, base::TimePoint not_before) override {
    return std::make_unique<SharedCursor>(shared_, shared_.add_cursor(std::move(filter), durable_only, not_before));
  }
  [[nodiscard]] std::shared_ptr<Region> region() const override { return shared_.region(); }
  [[nodiscard]] std::int64_t settled() const override { return shared_.settled(); }
  [[nodiscard]] std::int64_t durable_settled() const override { return shared_.durable(); }
  [[nodiscard]] std::vector<EventMark> marks() const override { return shared_.marks(shared_.durable()); }
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
  SharedLog shared_;
  LogThreads threads_; ///< declared last, so that they end before the log is destroyed
};

} // namespace

std::unique_ptr<EventLog> EventLog::open(EventLogOptions options, const base::Stop& stop) {
  auto log = std::make_unique<SharedEventLog>(std::move(options));
  log->start(stop);
  return log;
}

} // namespace projector::eventlog
