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
  const base::TimePoint not_before; ///< it is handed nothing that was read before

  std::uint64_t incarnation = 0; ///< in which the worker last read its checkpoint
  std::int64_t position = 0;     ///< last asked for
  SegmentPtr handed;             ///< came while the cursor waited for it; need not be in the cache
  std::deque<SegmentPtr> own;    ///< read past the cache with the cursor's filter
  std::size_t own_bytes = 0;     ///< of `own`
  std::size_t own_average = 0;   ///< bytes of an event in `own`; 0: none was read yet
  std::uint64_t told_halt = 0;   ///< the halt, or the obstacle, that next() has told of
  bool closed = false;
  bool waiting = false;
  bool woken = false;
  std::condition_variable_any changed;
};

/// What the tail, the history readers and the cursors share, behind one mutex that nobody holds while waiting for the
/// store. Owned by the event log; any thread, except where a group of calls says whose they are.
class SharedLog {
public:
  /// `memory`: what cached segments, and those that were read for single cursors, may take together. `readers`: how
  /// many history readers there are.
  SharedLog(std::size_t memory, std::size_t readers) : memory_(memory), cache_(memory), plan_(memory, readers) {}

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

  // The tail's. A session begins with connected() and ends with lost().
  std::uint64_t connected(const Store& store, const RememberedStore& remembered);
  void lost();
  void halt(const std::string& reason);
  void resume();
  void waiting(const std::string& why);
  /// A query is about to be sent to the server; its result has come.
  std::uint64_t asked() const;
  void answered(std::uint64_t ticket);
  void look_begins();
  void seen(std::int64_t last_value, std::int64_t highest, const EventMark& row);
  void publish(std::vector<SegmentPtr> segments, std::int64_t settled, std::int64_t durable);
  void flushed(std::int64_t durable);
  /// Returns when somebody waits for a look, when the store has notified and `not_before` has passed, at the deadline,
  /// or on a stop.
  void await_look(base::TimePoint not_before, base::TimePoint deadline, const base::Stop& stop);

  /// The listener's: the store has sent a notification.
  void store_called();

  // The history readers'.
  /// Waits for a read to do; null on a stop.
  std::shared_ptr<HistoryRead> next_read(const base::Stop& stop);
  /// Makes room for one event of so many bytes, the next one of the read: waits until what other reads build leaves
  /// it, and lets the cache shrink until release(). False: the read is to end before the event, since it is larger than
  /// all the memory and no cursor waits for it, or since the session is lost or a stop is requested.
  bool make_room(HistoryRead& read, std::size_t bytes, const base::Stop& stop);
  void release(HistoryRead& read);
  /// One finished segment of a read. False: nobody needs the rest of it now.
  bool deliver(HistoryRead& read, SegmentPtr segment);
  void finish(HistoryRead& read, std::int64_t rows, bool complete);
  /// The event at `position` cannot be handed over now: cursors that come to it are told, and it is read again later.
  void unreadable(const HistoryRead& read, std::int64_t position, const std::string& reason);
  [[nodiscard]] std::optional<Store> store(std::uint64_t incarnation) const; ///< none where another one has begun

private:
  struct Promise {
    std::uint64_t ticket;
    std::int64_t highest;
  };
  /// An event that cannot be handed over, for cursors with after <= position < at.
  struct Obstacle {
    std::int64_t after;
    std::int64_t at;
    std::string reason;
    std::uint64_t number; ///< as of halts_
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
  void keep_promises();
  void merge_small(Lock& lock);
  [[nodiscard]] bool awaited(const HistoryRead& read) const;
  void wake_all();
  static void wake(CursorState& cursor);
  [[nodiscard]] std::vector<std::int64_t> positions() const;

  mutable std::mutex mutex_; // guards everything below
  std::vector<std::shared_ptr<CursorState>> cursors_;
  const std::size_t memory_;
  SegmentCache cache_;
  ReadPlan plan_;
  std::size_t own_bytes_ = 0; ///< of all cursors
  std::size_t reserved_ = 0;  ///< by running reads
  /// An event that is read only once a cursor waits for it, since it takes more than all the memory; the latest one.
  std::int64_t too_large_ahead_ = SegmentCache::kNone;
  std::condition_variable_any work_;    ///< for history readers: the plan has grown
  std::condition_variable_any room_;    ///< for history readers: a read has ended
  std::condition_variable_any tail_;    ///< for the tail: somebody wants a look
  std::condition_variable_any answers_; ///< for settle and confirm

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

  bool store_called_ = false;
  std::uint64_t looks_wanted_ = 0;  ///< tickets of settle()
  std::uint64_t look_ticket_ = 0;   ///< wanted when the running look began
  std::uint64_t looks_settled_ = 0; ///< up to this ticket the promise of settle() is kept
  std::deque<Promise> promises_;
  std::uint64_t answers_wanted_ = 0; ///< tickets of confirm()
  std::uint64_t answers_begun_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t looks_ = 0, reads_ = 0, events_read_ = 0;
};

} // namespace projector::eventlog
