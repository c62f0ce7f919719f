#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"
#include "eventlog/read_plan.hpp"
#include "eventlog/segment_cache.hpp"
#include "eventlog/store_check.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace projector::eventlog {

/// One cursor's part of the shared state. SharedLog's mutex guards all of it but the constants.
struct CursorState {
  CursorState(Filter with, bool durable, base::TimePoint since)
      : filter(std::move(with)), durable_only(durable), not_before(since) {}

  const Filter filter;
  const bool durable_only;
  const base::TimePoint not_before; ///< it gets only events that were read later

  std::uint64_t incarnation = 0;   ///< in which the worker last read its checkpoint
  std::int64_t position = 0;       ///< last requested
  SegmentPtr handed;               ///< was delivered while the cursor waited for it; may be missing in the cache
  std::deque<SegmentPtr> own;      ///< were read with the cursor's filter and not cached
  std::size_t own_bytes = 0;       ///< of `own`
  std::size_t own_average = 0;     ///< average size of an event in `own`; 0: none was read yet
  std::uint64_t reported_halt = 0; ///< number of the last halt or obstacle that next() has reported
  bool closed = false;
  bool waiting = false;
  bool woken = false;
  std::condition_variable_any changed;
};

/// The state that the tail, the history readers and the cursors share. No thread holds its mutex while it waits for the
/// store. Owned by the event log. Any thread may call it, except for the groups of functions below that belong to one.
class SharedLog {
public:
  /// `memory`: limit of cached segments and those read for single cursors together. `readers`: number of history
  /// readers. `region`: where all segments are built.
  SharedLog(std::size_t memory, std::size_t readers, std::shared_ptr<Region> region)
      : region_(std::move(region)), memory_(memory), cache_(memory), plan_(memory, readers) {}

  [[nodiscard]] const std::shared_ptr<Region>& region() const noexcept { return region_; }

  // For users of the log; see EventLog and Cursor.
  std::shared_ptr<CursorState> add_cursor(Filter filter, bool durable_only, base::TimePoint not_before);
  void remove_cursor(const std::shared_ptr<CursorState>& cursor);
  Cursor::Next next(const std::shared_ptr<CursorState>& cursor, std::int64_t after, base::TimePoint deadline,
                    const base::Stop& stop);
  void restarted(CursorState& cursor);
  bool confirm(std::uint64_t incarnation, const base::Stop& stop);
  bool settle(const base::Stop& stop);
  [[nodiscard]] EventLog::Snapshot snapshot() const;
  [[nodiscard]] std::int64_t settled() const;
  [[nodiscard]] std::int64_t durable() const;
  [[nodiscard]] std::int64_t last_position() const;
  [[nodiscard]] std::uint64_t incarnation() const;
  [[nodiscard]] StoreIdentity identity() const;
  /// The marks at or below a position.
  [[nodiscard]] std::vector<EventMark> marks(std::int64_t position) const;

  // For the tail. A session begins with connected() and ends with lost().
  std::uint64_t connected(const Store& store, const RememberedStore& remembered);
  void lost();
  void halt(const std::string& reason);
  void resume();
  void waiting(const std::string& why);
  /// See SettledReader::Sink.
  std::uint64_t query_begins() const;
  void query_ended(std::uint64_t ticket);
  void look_begins();
  void seen(std::int64_t last_value, std::int64_t highest, const EventMark& row);
  void publish(std::vector<SegmentPtr> segments, std::int64_t settled, std::int64_t durable);
  void flushed(std::int64_t durable);
  /// Waits until a look is requested, or the store has sent a notification and `not_before` has passed, or the deadline
  /// has passed, or a stop was requested.
  void await_look(base::TimePoint not_before, base::TimePoint deadline, const base::Stop& stop);

  /// For the listener: the store has sent a notification.
  void store_notified();

  // For the history readers.
  /// Waits for a read to do; null on a stop.
  std::shared_ptr<HistoryRead> next_read(const base::Stop& stop);
  /// Makes room for one event of so many bytes, the next one of the read: waits until what other reads build leaves
  /// it, and lets the cache shrink until release(). False: the read is to end before the event, since it is larger than
  /// all the memory and no cursor waits for it, or since the session is lost or a stop is requested.
  bool make_room(HistoryRead& read, std::size_t bytes, const base::Stop& stop);
  void release(HistoryRead& read);
  /// Passes on one segment of a read. False: the rest of the read is not needed now.
  bool deliver(HistoryRead& read, SegmentPtr segment);
  void finish(HistoryRead& read, std::int64_t rows, bool complete);
  /// The event at `position` cannot be read: cursors that reach it are halted with the reason, and it is read again
  /// later.
  void unreadable(const HistoryRead& read, std::int64_t position, const std::string& reason);
  [[nodiscard]] std::optional<Store>
  store(std::uint64_t incarnation) const; ///< nothing if another incarnation has begun

private:
  struct PendingSettle {
    std::uint64_t ticket;
    std::int64_t highest;
  };
  /// An event that cannot be read. It concerns cursors with after <= position < at.
  struct Obstacle {
    std::int64_t after;
    std::int64_t at;
    std::string reason;
    std::uint64_t number; ///< value of halts_ when it was found
    base::TimePoint retry_at;
  };
  using Lock = std::unique_lock<std::mutex>;
  [[nodiscard]] const Obstacle* obstacle(std::int64_t position) const;
  SegmentPtr find(CursorState& cursor, std::int64_t after);
  void plan(const std::shared_ptr<CursorState>& cursor, std::int64_t from, bool demanded);
  SegmentPtr cached(const CursorState& cursor, std::int64_t after) const;
  bool keep_own(CursorState& cursor, SegmentPtr segment);
  void drop_own(CursorState& cursor, std::size_t count);
  void fit_cache();
  [[nodiscard]] std::size_t most_own(const CursorState& cursor) const;
  [[nodiscard]] bool reads_alone(const CursorState& cursor, std::int64_t from) const;
  bool hand_over(const SegmentPtr& segment);
  void finish_settles();
  void merge_small(Lock& lock);
  [[nodiscard]] bool awaited(const HistoryRead& read) const;
  void wake_all();
  static void wake(CursorState& cursor);
  [[nodiscard]] std::vector<std::int64_t> positions() const;

  const std::shared_ptr<Region> region_;
  mutable std::mutex mutex_; ///< guards all members below
  std::vector<std::shared_ptr<CursorState>> cursors_;
  const std::size_t memory_;
  SegmentCache cache_;
  ReadPlan plan_;
  std::size_t own_bytes_ = 0; ///< of all cursors
  std::size_t reserved_ = 0;  ///< by running reads
  /// An event that is read only once a cursor waits for it, since it takes more than all the memory; the latest one.
  std::int64_t too_large_ahead_ = SegmentCache::kNone;
  std::condition_variable_any work_;    ///< for history readers: a read was planned
  std::condition_variable_any room_;    ///< for history readers: a read has ended
  std::condition_variable_any tail_;    ///< for the tail: a look is requested
  std::condition_variable_any results_; ///< for settle and confirm

  bool connected_ = false;
  Store store_;
  std::uint64_t incarnation_ = 0;
  std::int64_t settled_ = 0;
  std::int64_t durable_ = 0;
  std::int64_t last_value_ = 0;
  std::vector<EventMark> marks_; ///< also of rows that are not settled yet
  std::string halted_;
  std::uint64_t halts_ = 0; ///< counts obstacles, too
  std::vector<Obstacle> obstacles_;
  std::string waiting_;

  bool store_notified_ = false;
  std::uint64_t looks_wanted_ = 0;  ///< tickets of settle()
  std::uint64_t look_ticket_ = 0;   ///< wanted when the running look began
  std::uint64_t looks_settled_ = 0; ///< calls of settle() up to this ticket may return
  std::deque<PendingSettle> pending_settles_;
  std::uint64_t queries_wanted_ = 0; ///< tickets of confirm()
  std::uint64_t queries_begun_ = 0;
  std::uint64_t queries_ended_ = 0;
  std::uint64_t looks_ = 0, reads_ = 0, events_read_ = 0;
};

} // namespace projector::eventlog
