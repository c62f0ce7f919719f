#pragma once

#include "base/backoff.hpp"
#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "eventlog/flush_tracker.hpp"
#include "eventlog/settled_reader.hpp"
#include "eventlog/shared_log.hpp"
#include "pg/connection.hpp"

#include <future>
#include <optional>
#include <string>

namespace projector::eventlog {

/// Reads the end of the log: one thread with one session that polls for new events, and connects again when the session
/// is lost. Owned by the event log.
class Tail : private SettledReader::Sink {
public:
  Tail(const EventLogOptions& options, SharedLog& shared, const base::Stop& stop)
      : options_(options), shared_(shared), stop_(stop) {}

  /// The thread's function, until the stop is requested. `opened` gets the result of the first connect and of the
  /// store's checks; if they fail, the function returns. Throws nothing.
  void run(std::promise<void> opened);

private:
  std::uint64_t query_begins() override { return shared_.query_begins(); }
  void query_ended(std::uint64_t ticket) override { shared_.query_ended(ticket); }
  void seen(std::int64_t last_value, std::int64_t highest, const EventMark& row) override {
    shared_.seen(last_value, highest, row);
  }
  void publish(std::vector<SegmentPtr> segments, std::int64_t settled, WalPosition needed) override;
  void flushed(WalPosition position) override;
  void waiting(const std::string& why, bool long_wait) override;

  base::Duration follow(base::Backoff& backoff);
  void give_up() noexcept;
  void connect();
  void step();
  void check_again();
  void recall(Store& store, RememberedStore& remembered);
  void check_memory(const Store& store);
  void pause_for_next_look(base::TimePoint began, bool found);
  void nudge_flush();
  void halt(const std::string& reason);
  void lost(const std::string& why);
  void report(bool warning, const std::string& text) const;

  const EventLogOptions& options_;
  SharedLog& shared_;
  const base::Stop& stop_;
  std::optional<pg::Connection> connection_;
  std::optional<SettledReader> reader_;
  StoreIdentity found_;  ///< the store's identity without an operator's "#" number
  RememberedStore kept_; ///< for the store to which this log was connected last
  base::TimePoint memory_checked_;
  FlushTracker flush_{0};
  base::TimePoint lagging_since_, nudged_;
  bool check_needed_ = false;
  bool reported_lost_ = false;
  int failures_ = 0; ///< number of successive looks that the server refused
  std::string halted_;
};

} // namespace projector::eventlog
