#include "eventlog/shared_log.hpp"

#include <algorithm>
#include <utility>

namespace projector::eventlog {
namespace {

/// Pause before an event that could not be read is read again.
constexpr base::Duration kObstaclePause = std::chrono::milliseconds(500);

} // namespace

std::uint64_t SharedLog::connected(const Store& store, const RememberedStore& remembered) {
  const Lock lock(mutex_);
  connected_ = true;
  store_ = store;
  settled_ = durable_ = remembered.settled;
  marks_ = remembered.marks;
  last_value_ = store.last_value;
  ++incarnation_;
  wake_all();
  return incarnation_;
}

void SharedLog::lost() {
  const Lock lock(mutex_);
  connected_ = false;
  waiting_.clear();
  cache_.clear();
  plan_.clear();
  pending_settles_.clear();
  obstacles_.clear();
  too_large_ahead_ = SegmentCache::kNone;
  for (const auto& cursor : cursors_) {
    cursor->handed.reset();
    drop_own(*cursor, cursor->own.size());
  }
  wake_all();
}

void SharedLog::halt(const std::string& reason) {
  const Lock lock(mutex_);
  if (halted_ != reason) {
    halted_ = reason;
    ++halts_;
    wake_all();
  }
}

void SharedLog::resume() {
  const Lock lock(mutex_);
  if (!halted_.empty()) {
    halted_.clear();
    wake_all();
  }
}

void SharedLog::waiting(const std::string& why) {
  const Lock lock(mutex_);
  waiting_ = why;
}

std::uint64_t SharedLog::query_begins() const {
  const Lock lock(mutex_);
  return queries_wanted_;
}

void SharedLog::query_ended(std::uint64_t ticket) {
  const Lock lock(mutex_);
  queries_begun_ = std::max(queries_begun_, ticket);
  queries_ended_ = std::max(queries_ended_, ticket);
  results_.notify_all();
}

void SharedLog::look_begins() {
  const Lock lock(mutex_);
  look_ticket_ = looks_wanted_;
}

void SharedLog::seen(std::int64_t last_value, std::int64_t highest, const EventMark& row) {
  const Lock lock(mutex_);
  ++looks_;
  last_value_ = last_value;
  if (!row.event_id.empty()) {
    add_mark(marks_, row);
  }
  if (look_ticket_ > looks_settled_ && (pending_settles_.empty() || pending_settles_.back().ticket < look_ticket_)) {
    pending_settles_.push_back({look_ticket_, highest});
  }
  finish_settles();
}

void SharedLog::finish_settles() {
  while (!pending_settles_.empty() && pending_settles_.front().highest <= settled_) {
    looks_settled_ = pending_settles_.front().ticket;
    pending_settles_.pop_front();
    results_.notify_all();
  }
}

void SharedLog::publish(std::vector<SegmentPtr> segments, std::int64_t settled, std::int64_t durable) {
  Lock lock(mutex_);
  settled_ = settled;
  durable_ = durable;
  for (SegmentPtr& segment : segments) {
    plan_.learn(*segment);
    add_marks(marks_, segment->events());
    hand_over(segment);
    cache_.insert(std::move(segment), positions());
  }
  for (const auto& cursor : cursors_) {
    if (cursor->waiting && cursor->position < settled_) {
      wake(*cursor);
    }
  }
  finish_settles();
  merge_small(lock);
}

void SharedLog::flushed(std::int64_t durable) {
  Lock lock(mutex_);
  if (durable <= durable_) {
    return;
  }
  durable_ = durable;
  for (const auto& cursor : cursors_) {
    if (cursor->waiting && cursor->durable_only) {
      wake(*cursor);
    }
  }
  merge_small(lock);
}

/// Merges flushed segments only: otherwise a reader of flushed events would wait for a segment that goes on growing.
void SharedLog::merge_small(Lock& lock) {
  const auto parts = cache_.mergeable(durable_);
  if (parts.size() < 2) {
    return;
  }
  lock.unlock();
  SegmentPtr merged = merge_segments(parts, region_);
  lock.lock();
  cache_.replace(parts, std::move(merged));
}

bool SharedLog::hand_over(const SegmentPtr& segment) {
  bool any = false;
  for (const auto& cursor : cursors_) {
    if (cursor->waiting && cursor->incarnation == segment->incarnation() && segment->after() <= cursor->position &&
        cursor->position < segment->to() && segment->read_at() >= cursor->not_before) {
      cursor->handed = segment;
      wake(*cursor);
      any = true;
    }
  }
  return any;
}

void SharedLog::await_look(base::TimePoint not_before, base::TimePoint deadline, const base::Stop& stop) {
  Lock lock(mutex_);
  const auto urgent = [&] { return looks_wanted_ > look_ticket_ || queries_wanted_ > queries_begun_; };
  tail_.wait_until(lock, stop.token(), deadline, [&] { return urgent() || store_notified_; });
  tail_.wait_until(lock, stop.token(), std::min(not_before, deadline), urgent);
  store_notified_ = false;
  queries_begun_ = queries_wanted_;
}

void SharedLog::store_notified() {
  const Lock lock(mutex_);
  store_notified_ = true;
  tail_.notify_all();
}

std::shared_ptr<HistoryRead> SharedLog::next_read(const base::Stop& stop) {
  Lock lock(mutex_);
  std::shared_ptr<HistoryRead> read;
  work_.wait(lock, stop.token(), [&] { return connected_ && (read = plan_.take()) != nullptr; });
  reads_ += read ? 1 : 0;
  return read;
}

/// What a cursor waits for takes the place of its last batch, so it may exceed the memory; what is read ahead may not.
bool SharedLog::make_room(HistoryRead& read, std::size_t bytes, const base::Stop& stop) {
  Lock lock(mutex_);
  if (bytes > (read.only_for ? most_own(*read.only_for) : memory_) && !awaited(read)) {
    too_large_ahead_ = read.progress + 1;
    return false;
  }
  const auto over = [&] { return !connected_ || read.incarnation != incarnation_; };
  if (!room_.wait(lock, stop.token(), [&] { return over() || reserved_ == 0 || reserved_ + bytes <= memory_; }) ||
      over()) {
    return false;
  }
  reserved_ += bytes;
  read.reserved = bytes;
  fit_cache();
  return true;
}

void SharedLog::release(HistoryRead& read) {
  const Lock lock(mutex_);
  reserved_ -= std::exchange(read.reserved, 0);
  fit_cache();
  room_.notify_all();
}

/// Whether a cursor waits for the next event of the read.
bool SharedLog::awaited(const HistoryRead& read) const {
  return std::any_of(cursors_.begin(), cursors_.end(), [&](const auto& cursor) {
    return cursor->waiting && cursor->position == read.progress && (!read.only_for || read.only_for == cursor);
  });
}

bool SharedLog::deliver(HistoryRead& read, SegmentPtr segment) {
  const Lock lock(mutex_);
  if (!connected_ || read.incarnation != incarnation_) {
    return false;
  }
  std::erase_if(obstacles_, [&](const Obstacle& obstacle) {
    return !read.only_for && read.progress < obstacle.at && obstacle.at <= segment->to();
  });
  read.progress = segment->to();
  events_read_ += segment->events().size();
  if (read.only_for) {
    return keep_own(*read.only_for, std::move(segment));
  }
  plan_.learn(*segment);
  const bool handed = hand_over(segment);
  const bool kept = cache_.insert(std::move(segment), positions());
  return handed || kept;
}

void SharedLog::finish(HistoryRead& read, std::int64_t rows, bool complete) {
  release(read);
  const Lock lock(mutex_);
  if (!connected_ || read.incarnation != incarnation_) {
    return; // the plan was emptied
  }
  plan_.finished(read, rows, complete);
  for (const auto& cursor : cursors_) {
    if (cursor->position >= read.after && cursor->position < read.to) {
      if (cursor->waiting) {
        wake(*cursor);
      } else if (!read.only_for) {
        plan(cursor, cursor->position, false);
      }
    }
  }
}

void SharedLog::unreadable(const HistoryRead& read, std::int64_t position, const std::string& reason) {
  const Lock lock(mutex_);
  if (!connected_ || read.incarnation != incarnation_) {
    return;
  }
  const auto same = std::find_if(obstacles_.begin(), obstacles_.end(),
                                 [&](const Obstacle& known) { return known.at == position && known.reason == reason; });
  const std::uint64_t number = same == obstacles_.end() ? ++halts_ : same->number;
  const std::int64_t after = same == obstacles_.end() ? read.progress : std::min(same->after, read.progress);
  if (same != obstacles_.end()) {
    obstacles_.erase(same);
  }
  obstacles_.push_back({.after = after,
                        .at = position,
                        .reason = reason,
                        .number = number,
                        .retry_at = base::Clock::now() + kObstaclePause});
  for (const auto& cursor : cursors_) {
    if (cursor->position >= after && cursor->position < position) {
      wake(*cursor);
    }
  }
}

const SharedLog::Obstacle* SharedLog::obstacle(std::int64_t position) const {
  for (const Obstacle& known : obstacles_) {
    if (known.after <= position && position < known.at) {
      return &known;
    }
  }
  return nullptr;
}

std::optional<Store> SharedLog::store(std::uint64_t incarnation) const {
  const Lock lock(mutex_);
  if (!connected_ || incarnation != incarnation_) {
    return std::nullopt;
  }
  return store_;
}

void SharedLog::wake(CursorState& cursor) {
  cursor.woken = true;
  cursor.changed.notify_all();
}

void SharedLog::wake_all() {
  for (const auto& cursor : cursors_) {
    wake(*cursor);
  }
  results_.notify_all();
  work_.notify_all();
  room_.notify_all();
}

std::vector<std::int64_t> SharedLog::positions() const {
  std::vector<std::int64_t> sorted;
  sorted.reserve(cursors_.size());
  for (const auto& cursor : cursors_) {
    sorted.push_back(cursor->position);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

} // namespace projector::eventlog
