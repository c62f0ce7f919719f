#include "eventlog/tail.hpp"

#include "pg/quote.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace projector::eventlog {
namespace {

/// Shortest pause between looks while new events come, also with many notifications.
constexpr base::Duration kShortestPause = std::chrono::milliseconds(1);
/// How often the flushed position is queried while settled events are not flushed.
constexpr base::Duration kFlushPause = std::chrono::milliseconds(10);
constexpr base::Duration kNudgeAfter = std::chrono::milliseconds(100);
constexpr base::Duration kNudgesApart = std::chrono::seconds(1);
/// How often the tail checks whether the cause of a halt is removed.
constexpr base::Duration kShortestHaltPause = std::chrono::milliseconds(50);
constexpr base::Duration kLongestHaltPause = std::chrono::seconds(1);
constexpr int kRefusalsToHalt = 3;
/// How often marks are compared with the table if nothing indicates that it was emptied.
constexpr base::Duration kMemoryCheckPause = std::chrono::seconds(5);

} // namespace

void Tail::run(std::promise<void> opened) {
  try {
    connect();
    opened.set_value();
  } catch (...) {
    give_up();
    opened.set_exception(std::current_exception());
    return;
  }
  base::Backoff backoff(options_.retry_backoff, options_.retry_backoff_max);
  while (!stop_.requested()) {
    try {
      stop_.wait_for(follow(backoff));
    } catch (const pg::Interrupted&) {
      break;
    } catch (...) { // not even what went wrong could be reported
      give_up();
      stop_.wait_for(backoff.next());
    }
  }
  give_up();
}

/// One step, and what follows from its failure. Returns how long to rest before the next one. Throws Interrupted, and
/// what reporting a failure throws.
base::Duration Tail::follow(base::Backoff& backoff) {
  try {
    if (!connection_) {
      connect();
    }
    step();
    backoff.reset();
    return base::Duration::zero();
  } catch (const pg::Interrupted&) {
    throw;
  } catch (const StoreRefused& refused) {
    halt(refused.what());
    if (connection_) {
      return std::clamp(options_.poll_interval, kShortestHaltPause, kLongestHaltPause);
    }
  } catch (const pg::Error& error) {
    if (error.connection_lost() || !connection_ || !connection_->at_rest()) {
      lost(error.what());
    } else {
      check_needed_ = true;
      if (++failures_ >= kRefusalsToHalt) {
        halt(fmt::format("the event store cannot be read: {}", explain(error, reader_->store())));
      }
    }
  } catch (const std::exception& error) {
    lost(error.what());
  } catch (...) {
    lost("an exception of an unknown type");
  }
  return backoff.next();
}

void Tail::give_up() noexcept {
  reader_.reset();
  connection_.reset();
  try {
    shared_.lost();
  } catch (...) { // NOLINT: nothing is handed over from here on all the same, until the next session
  }
}

void Tail::connect() {
  reader_.reset();
  connection_.reset();
  connection_.emplace(session_options(options_.connect, "projectord eventlog tail"), stop_);
  Store store;
  RememberedStore remembered;
  try {
    store = check_store(*connection_, options_.events_table);
    recall(store, remembered);
    if (remembered.settled > store.last_value) {
      // The position may be newer than `last_value`: another host has stored it since the sequence was read here.
      store = check_store(*connection_, options_.events_table);
      store.identity.store = remembered.store;
    }
    check_remembered(*connection_, store, remembered);
  } catch (...) {
    connection_.reset();
    throw;
  }
  const std::int64_t stored = remembered.settled;
  kept_ = remembered;
  memory_checked_ = base::Clock::now();
  flush_ = FlushTracker(stored);
  check_needed_ = false;
  failures_ = 0;
  SettledReader::Options reading;
  reading.incarnation = shared_.connected(store, remembered);
  reading.memory = options_.memory;
  reading.region = shared_.region();
  reading.gap_report_after = options_.gap_report_after;
  const std::string table = store.table;
  reader_.emplace(*connection_, std::move(store), stored, reading, static_cast<SettledReader::Sink&>(*this), stop_);
  report(false, fmt::format("{} to the event store, table {}, settled up to {}",
                            reported_lost_ ? "connected again" : "connected", table, stored));
  reported_lost_ = false;
}

void Tail::step() {
  const auto began = base::Clock::now();
  if (check_needed_) {
    check_again();
    if (!reader_) {
      return;
    }
  }
  if (began - memory_checked_ >= kMemoryCheckPause) {
    Store store = reader_->store();
    store.last_value = std::numeric_limits<std::int64_t>::max(); // each look compares it
    check_memory(store);
    check_needed_ = !store.flush_unknown.empty(); // a poll does not show that the right was granted
  }
  shared_.look_begins();
  bool found = false;
  try {
    found = reader_->look();
  } catch (const StoreChanged&) {
    check_needed_ = true;
    return;
  }
  failures_ = 0;
  if (!halted_.empty()) {
    halted_.clear();
    shared_.resume();
    report(false, "the event store can be read again");
  }
  nudge_flush();
  if (!reader_->behind()) {
    pause_for_next_look(began, found);
  }
}

/// Reads what is stored about the store, or takes this object's own copy if that is newer.
void Tail::recall(Store& store, RememberedStore& remembered) {
  found_ = store.identity;
  remembered = options_.stored_settled ? options_.stored_settled(store.identity) : RememberedStore();
  if (remembered.store.empty()) {
    remembered.store = store.identity.store;
  }
  store.identity.store = remembered.store;
  if (kept_.store == remembered.store) {
    for (const EventMark& mark : shared_.marks(shared_.durable())) {
      add_mark(remembered.marks, mark);
    }
  }
}

void Tail::check_again() {
  const auto ticket = shared_.query_begins();
  Store store = check_store(*connection_, options_.events_table);
  shared_.query_ended(ticket);
  check_needed_ = false;
  if (store.flush_unknown != reader_->store().flush_unknown) {
    lost("the rights of its role have changed");
    return;
  }
  if (store.identity != found_) {
    lost("its table was replaced by another one");
    return;
  }
  store.identity = reader_->store().identity;
  check_memory(store);
  reader_->adopt(std::move(store));
}

/// Checks that the table still has the events of the marks. If not, the session ends; the next one reads whether an
/// operator has declared the table a new store.
void Tail::check_memory(const Store& store) {
  memory_checked_ = base::Clock::now();
  RememberedStore seen = kept_;
  seen.settled = reader_->settled();
  seen.marks = shared_.marks(seen.settled);
  seen.timeline.reset(); // it cannot change during a session
  try {
    check_remembered(*connection_, store, seen);
  } catch (const StoreRefused&) {
    shared_.lost();
    reader_.reset();
    connection_.reset();
    throw;
  }
}

void Tail::pause_for_next_look(base::TimePoint began, bool found) {
  const auto now = base::Clock::now();
  const auto took = std::chrono::duration_cast<base::Duration>(now - began);
  // Under a steady stream of events and without notifications, looks take a fifth of the time.
  base::Duration pause = found ? std::clamp(4 * took, kShortestPause, options_.poll_interval) : options_.poll_interval;
  if (flush_.lagging()) {
    pause = std::min(pause, kFlushPause);
  }
  shared_.await_look(began + std::max(kShortestPause, took), now + pause, stop_);
}

/// On an idle server, settled events may stay unflushed: the records of an open transaction are flushed only with later
/// ones. An empty transaction that has an id makes the server flush soon.
void Tail::nudge_flush() {
  const auto now = base::Clock::now();
  if (!flush_.lagging()) {
    lagging_since_ = now;
  } else if (now - lagging_since_ >= kNudgeAfter && now - nudged_ >= kNudgesApart) {
    nudged_ = now;
    connection_->exec("SELECT txid_current()");
  }
}

void Tail::publish(std::vector<SegmentPtr> segments, std::int64_t settled, WalPosition needed) {
  if (reader_->store().flush_unknown.empty()) {
    flush_.settled(settled, needed);
  }
  shared_.publish(std::move(segments), settled, flush_.durable());
}

void Tail::flushed(WalPosition position) {
  if (!reader_->store().flush_unknown.empty()) {
    return;
  }
  flush_.flushed(position);
  shared_.flushed(flush_.durable());
}

void Tail::waiting(const std::string& why, bool long_wait) {
  shared_.waiting(why);
  if (long_wait) {
    report(true, why);
  } else if (why.empty()) {
    report(false, "the wait for the gap is over");
  }
}

void Tail::halt(const std::string& reason) {
  if (reason != halted_) {
    halted_ = reason;
    shared_.halt(reason);
    report(true, reason);
  }
  check_needed_ = true;
}

void Tail::lost(const std::string& why) {
  shared_.lost();
  reader_.reset();
  connection_.reset();
  if (!reported_lost_) {
    report(true, fmt::format("the event store is lost, trying again: {}", why));
    reported_lost_ = true;
  }
}

void Tail::report(bool warning, const std::string& text) const {
  if (options_.report) {
    options_.report(warning, text);
  }
}

} // namespace projector::eventlog
