#include "eventlog/shared_log.hpp"

#include <algorithm>
#include <limits>

namespace projector::eventlog {
namespace {

/// Stands for the number of a halt.
constexpr std::uint64_t kFlushUnknown = std::numeric_limits<std::uint64_t>::max();

} // namespace

std::shared_ptr<CursorState> SharedLog::add_cursor(Filter filter, bool durable_only, base::TimePoint not_before) {
  auto cursor = std::make_shared<CursorState>(std::move(filter), durable_only, not_before);
  const Lock lock(mutex_);
  cursor->incarnation = incarnation_;
  // Before its first request it needs no segment, so none is kept in the cache for it.
  cursor->position = SegmentCache::kNone;
  cursors_.push_back(cursor);
  return cursor;
}

void SharedLog::remove_cursor(const std::shared_ptr<CursorState>& cursor) {
  const Lock lock(mutex_);
  cursor->closed = true;
  drop_own(*cursor, cursor->own.size());
  std::erase(cursors_, cursor);
}

void SharedLog::restarted(CursorState& cursor) {
  const Lock lock(mutex_);
  cursor.incarnation = incarnation_;
}

Cursor::Next SharedLog::next(const std::shared_ptr<CursorState>& cursor, std::int64_t after, base::TimePoint deadline,
                             const base::Stop& stop) {
  Lock lock(mutex_);
  cursor->position = after;
  for (;;) {
    if (stop.requested()) {
      return {Cursor::Status::Stopped, nullptr, {}};
    }
    if (connected_ && cursor->incarnation != incarnation_) {
      return {Cursor::Status::NewStore, nullptr, {}};
    }
    const bool late = base::Clock::now() >= deadline;
    base::TimePoint until = deadline;
    const bool flush_unknown = cursor->durable_only && halted_.empty() && connected_ && !store_.flush_unknown.empty();
    if (!halted_.empty() || flush_unknown) {
      const std::uint64_t number = flush_unknown ? kFlushUnknown : halts_;
      if (late || cursor->reported_halt != number) {
        cursor->reported_halt = number;
        return {Cursor::Status::Halted, nullptr, flush_unknown ? store_.flush_unknown : halted_};
      }
    } else if (connected_) {
      if (SegmentPtr segment = find(*cursor, after)) {
        plan(cursor, segment->to(), false);
        return {Cursor::Status::Segment, std::move(segment), {}};
      }
      if (after < settled_) {
        plan(cursor, after, true);
        if (const Obstacle* known = obstacle(after)) {
          if (late || cursor->reported_halt != known->number) {
            cursor->reported_halt = known->number;
            return {Cursor::Status::Halted, nullptr, known->reason};
          }
          until = std::min(until, std::max(known->retry_at, base::Clock::now() + std::chrono::milliseconds(1)));
        }
      }
    }
    if (late) {
      return {Cursor::Status::NoneYet, nullptr, {}};
    }
    cursor->waiting = true;
    cursor->woken = false;
    cursor->changed.wait_until(lock, stop.token(), until, [&] { return cursor->woken; });
    cursor->waiting = false;
  }
}

/// Looks in the segment that the cursor was handed, in those read for it alone, and in the cache. With durable_only,
/// only segments that are flushed as a whole are used.
SegmentPtr SharedLog::find(CursorState& cursor, std::int64_t after) {
  const auto covers = [after](const SegmentPtr& segment) { return segment->after() <= after && after < segment->to(); };
  if (cursor.handed && !covers(cursor.handed)) {
    cursor.handed.reset();
  }
  drop_own(cursor,
           static_cast<std::size_t>(std::find_if(cursor.own.begin(), cursor.own.end(), covers) - cursor.own.begin()));
  SegmentPtr segment = cursor.handed ? cursor.handed : !cursor.own.empty() ? cursor.own.front() : cached(cursor, after);
  return segment && cursor.durable_only && segment->to() > durable_ ? nullptr : segment;
}

/// `demanded`: position from + 1 is settled, and the cursor waits for it.
void SharedLog::plan(const std::shared_ptr<CursorState>& cursor, std::int64_t from, bool demanded) {
  const auto sorted = positions();
  if (!cursor->own.empty()) {
    from = cursor->own.back()->to();
  }
  const bool before_too_large = !demanded && from < too_large_ahead_;
  const ReadPlan::View view{.cache = cache_,
                            .settled = before_too_large ? std::min(settled_, too_large_ahead_ - 1) : settled_,
                            .incarnation = incarnation_,
                            .positions = sorted,
                            .not_before = cursor->not_before};
  if (demanded && (cursor->handed || !cursor->own.empty() || cached(*cursor, from))) {
    return; // the segment exists, but is not flushed yet
  }
  if (const Obstacle* known = obstacle(from); known != nullptr && base::Clock::now() < known->retry_at) {
    return;
  }
  if (reads_alone(*cursor, from)) {
    const std::size_t room = most_own(*cursor);
    if (demanded || (cursor->own.size() == 1 && room > 0 && from < view.settled)) {
      plan_.demand_filtered(from, cursor, std::max(room, kSegmentBytes), cursor->own_average, view);
    }
  } else if (demanded) {
    plan_.demand(from, view);
  } else {
    plan_.ahead(from, view);
  }
  if (!plan_.idle()) {
    work_.notify_one();
  }
}

/// Uses only segments that were read after the cursor's start, since older ones may have events that were erased or
/// corrected.
SegmentPtr SharedLog::cached(const CursorState& cursor, std::int64_t after) const {
  return cache_.find(after, cursor.not_before);
}

/// How many bytes may still be read ahead for this cursor alone. All such reads together take a quarter of the memory
/// at most, so the cache keeps three quarters.
std::size_t SharedLog::most_own(const CursorState& cursor) const {
  constexpr std::size_t kEach = 2 * kSegmentBytes;
  const std::size_t all = memory_ / 4;
  return std::min(kEach - std::min(kEach, cursor.own_bytes), all - std::min(all, own_bytes_));
}

void SharedLog::fit_cache() {
  cache_.set_budget(memory_ - std::min(memory_, own_bytes_ + reserved_), positions());
}

/// False: the cursor does not need the rest of the read now.
bool SharedLog::keep_own(CursorState& cursor, SegmentPtr segment) {
  if (cursor.closed) {
    return false;
  }
  if (!segment->events().empty()) {
    cursor.own_average = segment->bytes() / segment->events().size() + 1;
  }
  cursor.own_bytes += segment->bytes();
  own_bytes_ += segment->bytes();
  cursor.own.push_back(std::move(segment));
  fit_cache();
  wake(cursor);
  return most_own(cursor) > 0;
}

/// Drops the first `count`.
void SharedLog::drop_own(CursorState& cursor, std::size_t count) {
  if (count == 0) {
    return;
  }
  for (; count > 0; --count) {
    cursor.own_bytes -= cursor.own.front()->bytes();
    own_bytes_ -= cursor.own.front()->bytes();
    cursor.own.pop_front();
  }
  fit_cache();
}

/// Whether the cursor is far behind all others: no other cursor would use the rows, and its filter reduces what the
/// store has to send.
bool SharedLog::reads_alone(const CursorState& cursor, std::int64_t from) const {
  const Filter& filter = cursor.filter;
  if ((filter.event_types.empty() && filter.aggregate_types.empty() && filter.bounded_contexts.empty()) ||
      settled_ - from <= kNear) {
    return false;
  }
  return std::none_of(cursors_.begin(), cursors_.end(), [&](const auto& other) {
    return other.get() != &cursor && other->position >= from - kNear && other->position - kNear <= from;
  });
}

bool SharedLog::confirm(std::uint64_t incarnation, const base::Stop& stop) {
  Lock lock(mutex_);
  const std::uint64_t ticket = ++queries_wanted_;
  tail_.notify_all();
  const auto over = [&] { return !connected_ || incarnation_ != incarnation; };
  results_.wait(lock, stop.token(), [&] { return over() || queries_ended_ >= ticket; });
  return !over() && queries_ended_ >= ticket;
}

bool SharedLog::settle(const base::Stop& stop) {
  Lock lock(mutex_);
  const std::uint64_t ticket = ++looks_wanted_;
  tail_.notify_all();
  return results_.wait(lock, stop.token(), [&] { return looks_settled_ >= ticket; });
}

EventLog::Snapshot SharedLog::snapshot() const {
  const Lock lock(mutex_);
  EventLog::Snapshot snapshot;
  snapshot.connected = connected_;
  snapshot.halted = halted_;
  snapshot.waiting = waiting_;
  snapshot.settled = settled_;
  snapshot.cached_bytes = cache_.bytes();
  snapshot.looks = looks_;
  snapshot.reads = reads_;
  snapshot.events_read = events_read_;
  return snapshot;
}

std::int64_t SharedLog::settled() const {
  const Lock lock(mutex_);
  return settled_;
}

std::int64_t SharedLog::durable() const {
  const Lock lock(mutex_);
  return durable_;
}

std::int64_t SharedLog::last_position() const {
  const Lock lock(mutex_);
  return last_value_;
}

std::uint64_t SharedLog::incarnation() const {
  const Lock lock(mutex_);
  return incarnation_;
}

std::vector<EventMark> SharedLog::marks(std::int64_t position) const {
  const Lock lock(mutex_);
  std::vector<EventMark> marks = marks_;
  std::erase_if(marks, [&](const EventMark& mark) { return mark.position > position; });
  return marks;
}

StoreIdentity SharedLog::identity() const {
  const Lock lock(mutex_);
  return store_.identity;
}

} // namespace projector::eventlog
