#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "eventlog/filter.hpp"
#include "eventlog/region.hpp"
#include "eventlog/remembered_store.hpp"
#include "eventlog/segment.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace projector::eventlog {

/// Which events table a position belongs to. `store` is "system identifier/database oid/table oid". If an operator has
/// declared the table a new store, "#" and a number follow.
struct StoreIdentity {
  std::string store;
  std::int64_t timeline = 0; ///< 0: the role may not read it
  friend bool operator==(const StoreIdentity&, const StoreIdentity&) = default;
};

struct EventLogOptions {
  pg::ConnectOptions connect;
  std::string events_table = "events"; ///< as configured, may carry a schema
  base::Duration poll_interval = std::chrono::milliseconds(100);
  std::string notify_channel; ///< empty: none
  std::size_t memory = 64u << 20;
  std::size_t history_readers = 2; ///< reads of the table that can run at once besides the tail's; at least 1
  base::Duration retry_backoff = std::chrono::milliseconds(100);
  base::Duration retry_backoff_max = std::chrono::seconds(5);
  base::Duration gap_report_after = std::chrono::seconds(3); ///< a wait for a gap that takes longer is reported
  /// Reads what the read model's database has stored about the event store. Called on the tail's thread after every
  /// connect, once the store's identity is known. May throw pg::Error, which is handled like a lost connection.
  std::function<RememberedStore(const StoreIdentity&)> stored_settled;
  /// Called on the log's threads when something has changed that operators should know: connected, lost, refused, a
  /// long wait for a gap.
  std::function<void(bool warning, const std::string& text)> report;
};

/// What one worker sees of the log. Owned by that worker; used by its thread only.
class Cursor {
public:
  virtual ~Cursor() = default;

  enum class Status {
    Segment,  ///< `segment` covers the position after + 1
    NoneYet,  ///< the deadline passed: nothing is settled beyond `after` (or flushed, with durable_only)
    Stopped,  ///< the Stop was requested
    NewStore, ///< the store connection was lost and is back: read the checkpoint again, then call restarted()
    Halted,   ///< the log cannot go on; `reason` says why. It goes on by itself once the cause is removed
  };
  struct Next {
    Status status;
    std::shared_ptr<const Segment> segment;
    std::string reason;
  };
  /// The segment that covers after + 1, from the cache or from a read that this call waits for. Some of its events may
  /// lie at or below `after`. With a deadline in the past: only what is in the cache, never waits. Also starts the read
  /// of what comes next.
  virtual Next next(std::int64_t after, base::TimePoint deadline, const base::Stop& stop) = 0;
  /// Called after NewStore, once the worker has read its checkpoint again.
  virtual void restarted() = 0;
};

/// One event store's log: settled reader, cache, wake-up, and the threads and connections they need. Owned by the
/// program; all calls from any thread.
class EventLog {
public:
  virtual ~EventLog() = default; ///< to be called after all cursors are destroyed

  /// Connects for the first time and checks that the store can be read safely. Throws StoreRefused with the cure,
  /// pg::Error if the store is not reachable, pg::Interrupted.
  static std::unique_ptr<EventLog> open(EventLogOptions options, const base::Stop& stop);

  /// `durable_only`: the cursor gets only events that the store has flushed. `not_before`: it gets only events that
  /// were read after this time, so that it does not see old versions of events that were erased or corrected in the
  /// store. Cursors that start together, e.g. after one change of files, share their reads if they are given the same
  /// time.
  virtual std::unique_ptr<Cursor> cursor(Filter filter, bool durable_only, base::TimePoint not_before) = 0;

  /// The memory in which all events lie. Copies that are handed to plugins belong there as well.
  [[nodiscard]] virtual std::shared_ptr<Region> region() const = 0;
  /// No event can appear at or below it any more.
  [[nodiscard]] virtual std::int64_t settled() const = 0;
  /// The highest settled position that the store has flushed to disk. Only up to there may positions be stored on
  /// another server.
  [[nodiscard]] virtual std::int64_t durable_settled() const = 0;
  /// Marks of events at or below durable_settled(), to be stored together with it.
  [[nodiscard]] virtual std::vector<EventMark> marks() const = 0;
  /// The last value of the store's sequence at the time of the last look. No event was above it then.
  [[nodiscard]] virtual std::int64_t last_position() const = 0;
  /// Rises each time the connection to the store was lost and made again. Events that were read in an earlier one must
  /// not be used.
  [[nodiscard]] virtual std::uint64_t incarnation() const = 0;
  /// Queries the store to make sure that it has not crashed since `incarnation` began. False: it has crashed, or cannot
  /// be reached.
  virtual bool confirm(std::uint64_t incarnation, const base::Stop& stop) = 0;
  [[nodiscard]] virtual StoreIdentity identity() const = 0;
  /// Waits until everything that was committed before this call is settled. False: stopped.
  virtual bool settle(const base::Stop& stop) = 0;

  struct Snapshot {
    bool connected = false;
    std::string halted;  ///< reason, or empty
    std::string waiting; ///< e.g. "gap 11..12 waits for pid 4711: INSERT ..", or empty
    std::int64_t settled = 0;
    std::size_t cached_bytes = 0;
    std::uint64_t looks = 0, reads = 0, events_read = 0;
  };
  [[nodiscard]] virtual Snapshot snapshot() const = 0;
};

/// The store cannot be read, or not without losing events. what() says what was found and gives the cure.
class StoreRefused : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace projector::eventlog
