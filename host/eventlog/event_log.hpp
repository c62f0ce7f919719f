#pragma once

#include "base/clock.hpp"
#include "base/stop.hpp"
#include "eventlog/filter.hpp"
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

/// Which database a position belongs to. Text is "system identifier/database oid/table oid", and, where an operator has
/// said that the table is another store than it was, "#" and a number.
struct StoreIdentity {
  std::string store;
  std::int64_t timeline = 0; ///< 0: the role may not ask for it
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
  base::Duration gap_report_after = std::chrono::seconds(3); ///< a gap that waits longer shows in snapshot and report
  /// Asked after every connect, once the store's identity is known: what is kept about it. Called on the tail thread;
  /// may throw pg::Error, which counts as a lost connection.
  std::function<RememberedStore(const StoreIdentity&)> stored_settled;
  /// Something about the log changed that people should read (connected, lost, a gap that waits for long, refused).
  /// Called on the log's threads.
  std::function<void(bool warning, const std::string& text)> report;
};

/// What one worker sees of the log. Owned by that worker; used by its thread only.
class Cursor {
public:
  virtual ~Cursor() = default;

  enum class Status {
    Segment,  ///< `segment` covers the position after the one asked for
    NoneYet,  ///< the deadline passed: nothing is settled beyond `after` (or flushed, with durable_only)
    Stopped,  ///< the Stop was requested
    NewStore, ///< the store connection was lost and is back: read the checkpoint again, then call restarted()
    Halted,   ///< the log refuses to go on; `reason` says why. It goes on by itself when the cause is cured
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
  /// The worker has read its checkpoint again after NewStore.
  virtual void restarted() = 0;
};

/// One event store's log: settled reader, cache, wake-up, and the threads and connections they need. Owned by the
/// program; all calls from any thread.
class EventLog {
public:
  virtual ~EventLog() = default; ///< every cursor is gone

  /// The first connect and all refusals of a store that cannot be read safely happen in here. Throws StoreRefused with
  /// the cure, pg::Error where the store is not reachable, pg::Interrupted.
  static std::unique_ptr<EventLog> open(EventLogOptions options, const base::Stop& stop);

  /// `durable_only`: hand over only what the store has flushed. `not_before`: hand over nothing that was read before
  /// this time, so that an event which was erased or corrected in the store before is not seen as it was. Cursors that
  /// start for one reason, such as one change of files, share what is read where they have one and the same time.
  virtual std::unique_ptr<Cursor> cursor(Filter filter, bool durable_only, base::TimePoint not_before) = 0;

  /// Everything at or below it is final: no event can still appear there.
  [[nodiscard]] virtual std::int64_t settled() const = 0;
  /// The highest settled position that the store has flushed to disk: safe to store elsewhere.
  [[nodiscard]] virtual std::int64_t durable_settled() const = 0;
  /// Events at or below durable_settled(), to be stored with it.
  [[nodiscard]] virtual std::vector<EventMark> marks() const = 0;
  /// The last value of the store's sequence, as of the last look: no event is above it.
  [[nodiscard]] virtual std::int64_t last_position() const = 0;
  /// Raised each time the store connection was lost and made again. What was read in one is void in the next.
  [[nodiscard]] virtual std::uint64_t incarnation() const = 0;
  /// Makes sure, by a look that begins after this call, that the store has not crashed since `incarnation` began.
  /// False: it has, or it cannot be reached.
  virtual bool confirm(std::uint64_t incarnation, const base::Stop& stop) = 0;
  [[nodiscard]] virtual StoreIdentity identity() const = 0;
  /// A look that begins after this call has been completed: everything committed before it is settled. False: stopped.
  virtual bool settle(const base::Stop& stop) = 0;

  struct Snapshot {
    bool connected = false;
    std::string halted;  ///< reason, or empty
    std::string waiting; ///< "gap 11..12 waits for pid 4711: INSERT ..", or empty
    std::int64_t settled = 0;
    std::size_t cached_bytes = 0;
    std::uint64_t looks = 0, reads = 0, events_read = 0;
  };
  [[nodiscard]] virtual Snapshot snapshot() const = 0;
};

/// The store cannot be read without losing events, or not at all; what() says what was found and the cure.
class StoreRefused : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace projector::eventlog
