#include "eventlog/tail.hpp"

#include "base/backoff.hpp"
#include "pg/quote.hpp"

#include <fmt/core.h>
#include <poll.h>

#include <algorithm>

namespace projector::eventlog {
namespace {

/// While new events come, looks are this far apart at least, however often the store calls.
constexpr base::Duration kShortestPause = std::chrono::milliseconds(1);
/// How often it is asked whether what is settled is on disk.
constexpr base::Duration kFlushPause = std::chrono::milliseconds(10);
constexpr base::Duration kNudgeAfter = std::chrono::milliseconds(100);
constexpr base::Duration kNudgesApart = std::chrono::seconds(1);
/// How often it is asked whether the cause of a halt is cured.
constexpr base::Duration kShortestHaltPause = std::chrono::milliseconds(50);
constexpr base::Duration kLongestHaltPause = std::chrono::seconds(1);
constexpr int kRefusalsToHalt = 3;

} // namespace

void Tail::run(std::promise<void> opened) {
  try {
    connect();
    opened.set_value();
  } catch (...) {
    shared_.lost();
    opened.set_exception(std::current_exception());
    return;
  }
  base::Backoff backoff(options_.retry_backoff, options_.retry_backoff_max);
  while (!stop_.requested()) {
    try {
      if (!connection_) {
        connect();
      }
      step();
      backoff.reset();
      continue;
    } catch (const pg::Interrupted&) {
      break;
    } catch (const StoreRefused& refused) {
      halt(refused.what());
      if (connection_) {
        rest(std::clamp(options_.poll_interval, kShortestHaltPause, kLongestHaltPause));
        continue;
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
    }
    rest(backoff.next());
  }
  shared_.lost();
}

void Tail::connect() {
  reader_.reset();
  connection_.reset();
  connection_.emplace(session_options(options_.connect, "projectord eventlog tail"), stop_);
  Store store;
  std::int64_t stored = 0;
  try {
    store = check_store(*connection_, options_.events_table);
    stored = options_.stored_settled ? options_.stored_settled(store.identity) : 0;
    if (stored > store.last_value) {
      // Another host may have drawn, read and stored it since the sequence was read here.
      store = check_store(*connection_, options_.events_table);
    }
    if (stored > store.last_value) {
      throw StoreRefused(fmt::format("the host remembers events of this store up to position {}, but its sequence {} "
                                     "has handed out positions only up "
                                     "to {}: the store was set back, e.g. restored from an older backup. Cure: restore "
                                     "the right one; or, if nothing "
                                     "is missing, SELECT setval({}, {}); or reset the projections to build them anew",
                                     stored, store.sequence, store.last_value, pg::quote_literal(store.sequence),
                                     stored));
    }
  } catch (...) {
    connection_.reset();
    throw;
  }
  flush_ = FlushTracker(stored);
  check_needed_ = false;
  failures_ = 0;
  SettledReader::Options reading;
  reading.incarnation = shared_.connected(store, stored);
  reading.memory = options_.memory;
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

void Tail::check_again() {
  const auto ticket = shared_.asked();
  Store store = check_store(*connection_, options_.events_table);
  shared_.answered(ticket);
  check_needed_ = false;
  if (store.identity != reader_->store().identity) {
    lost("another table stands in its place");
    return;
  }
  reader_->adopt(std::move(store));
}

void Tail::pause_for_next_look(base::TimePoint began, bool found) {
  const auto now = base::Clock::now();
  const auto took = std::chrono::duration_cast<base::Duration>(now - began);
  // Looks under a steady stream of events take a fifth of the time, where the store does not call.
  base::Duration pause = found ? std::clamp(4 * took, kShortestPause, options_.poll_interval) : options_.poll_interval;
  if (flush_.lagging()) {
    pause = std::min(pause, kFlushPause);
  }
  shared_.await_look(began + std::max(kShortestPause, took), now + pause, stop_);
}

/// What is settled but not flushed may stay so on an idle server: records of an open transaction are flushed only with
/// what comes later. An empty transaction with an id makes the server flush soon.
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
  flush_.settled(settled, needed);
  shared_.publish(std::move(segments), settled, flush_.durable());
}

void Tail::flushed(WalPosition position) {
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
    reported_lost_ = true;
    report(true, fmt::format("the event store is lost, trying again: {}", why));
  }
}

void Tail::report(bool warning, const std::string& text) const {
  if (options_.report) {
    options_.report(warning, text);
  }
}

void Tail::rest(base::Duration pause) {
  pollfd stopped{stop_.fd(), POLLIN, 0};
  ::poll(&stopped, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(pause).count()));
}

} // namespace projector::eventlog
