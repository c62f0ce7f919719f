#include "eventlog/settled_reader.hpp"

#include "eventlog/row_decoder.hpp"
#include "eventlog/unreadable_event.hpp"
#include "pg/pipeline.hpp"
#include "pg/quote.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace projector::eventlog {
namespace {

constexpr std::int64_t kMostRows = 16384;
constexpr std::int64_t kFewestRows = 16;
constexpr base::Duration kFirstPause = std::chrono::milliseconds(1);
constexpr base::Duration kLongestPause = std::chrono::milliseconds(20);
/// How long a reader that is far behind waits for the lock's holders before it goes on with the next rows.
constexpr base::Duration kPatience = std::chrono::milliseconds(20);

std::string ranges_text(const std::vector<PositionRange>& ranges) {
  std::string text;
  for (std::size_t index = 0; index < std::min<std::size_t>(ranges.size(), 3); ++index) {
    text += fmt::format("{}{}..{}", index == 0 ? "" : ", ", ranges[index].after + 1, ranges[index].to);
  }
  return ranges.size() > 3 ? fmt::format("{} and {} more", text, ranges.size() - 3) : text;
}

} // namespace

struct SettledReader::Look {
  LookWindow window;
  Facts facts;
  WalPosition inserted = 0; ///< after the newest snapshot that rows come from

  [[nodiscard]] bool has_gap() const { return !window.gaps().missing().empty(); }
  /// Whether there are rows above those that were read.
  [[nodiscard]] bool beyond() const { return facts.highest > window.gaps().highest(); }
};

SettledReader::SettledReader(pg::Connection& connection, Store store, std::int64_t settled, Options options, Sink& sink,
                             const base::Stop& stop)
    : connection_(connection), settled_(settled), options_(std::move(options)), sink_(sink), stop_(stop),
      builder_(options_.region) {
  adopt(std::move(store));
}

void SettledReader::adopt(Store store) {
  store_ = std::move(store);
  if (std::find(sequences_.begin(), sequences_.end(), store_.sequence_oid) == sequences_.end()) {
    sequences_.push_back(store_.sequence_oid);
  }
  // The history readers read rows that are too large for the tail on demand.
  const std::string columns = event_columns_without_large_text(kSegmentBytes);
  rows_sql_ = fmt::format("SELECT {} FROM {} WHERE global_position > $1 ORDER BY global_position LIMIT $2", columns,
                          store_.table);
  facts_sql_ = fmt::format("SELECT h.global_position, {}, pg_is_in_recovery(), pg_backend_pid(), "
                           "{}, {}, {}, "
                           "EXISTS (SELECT FROM {} WHERE global_position < 1), h.event_id::text FROM {} s LEFT JOIN "
                           "LATERAL (SELECT global_position, event_id FROM {} ORDER BY global_position DESC LIMIT 1) h "
                           "ON true",
                           kLastValueSql, store_.inserted_sql, store_.flushed_sql, store_.fingerprint_sql, store_.table,
                           store_.sequence, store_.table);
  missing_sql_ = fmt::format("SELECT e.* FROM unnest($1::bigint[], $2::bigint[]) AS r(above, upto) CROSS JOIN LATERAL "
                             "(SELECT {} FROM {} t WHERE global_position > r.above AND global_position <= "
                             "r.upto ORDER BY global_position LIMIT $3) e ORDER BY e.global_position LIMIT $3",
                             columns, store_.table);
}

bool SettledReader::look() {
  const std::int64_t before = settled_;
  while (!attempt()) {
    // There is a row that cannot be read; the next attempt reads those before it.
  }
  return settled_ != before;
}

bool SettledReader::attempt() {
  Look look{.window = LookWindow(settled_, options_.incarnation, most_bytes(), builder_), .facts = {}, .inserted = 0};
  const auto ticket = sink_.query_begins();
  const auto facts = read_snapshot(look.window);
  if (!facts) {
    return false;
  }
  look.facts = *facts;
  look.inserted = look.facts.inserted;
  sink_.query_ended(ticket);
  check(look.facts);
  sink_.seen(look.facts.last_value, std::max(look.facts.highest, settled_),
             {.position = look.facts.highest, .event_id = look.facts.highest_event});
  sink_.flushed(look.facts.flushed);
  publish_contiguous(look);
  if (look.has_gap() || look.beyond()) {
    // To be queried after the snapshot: a transaction that drew a position below a visible row holds the lock now, or
    // has ended.
    LockHolders holders(connection_, store_, sequences_);
    wait_for_holders(look, holders);
  }
  behind_ = settled_ < look.facts.highest;
  return true;
}

/// Nothing if one of the rows cannot be read.
std::optional<SettledReader::Facts> SettledReader::read_snapshot(LookWindow& window) {
  enum Tag : std::size_t { kBegin, kRows, kFacts, kCommit };
  Facts facts;
  std::optional<pg::Pipeline::Failure> failure;
  const std::int64_t limit = readable_rows_.value_or(row_limit());
  // One row more, so that two rows of one position are never parted; not one that is known to be unreadable.
  const std::int64_t queried = readable_rows_ ? limit : limit + 1;
  std::int64_t rows_read = 0;
  std::int64_t last = settled_;
  std::optional<std::int64_t> unreadable; // number of rows before the first position that has such a row
  const auto take = [&](const pg_result* row) {
    try {
      const std::int64_t position = decode_position(row, 0);
      if (position == last) {
        unreadable = rows_read - 1;
        return;
      }
      last = position;
      if (rows_read == limit) {
        return;
      }
      if (const auto event = decode_row(row, 0); lacks_text(event)) {
        window.add_unread(last);
      } else {
        window.add(event);
      }
      ++rows_read;
    } catch (const UnreadableEvent&) {
      unreadable = rows_read;
    }
  };
  {
    pg::Pipeline flight(connection_);
    const pg::Send keep{
        .prepare = pg::Send::Prepare::Keep, .format = pg::Format::Text, .single_row = false, .scope = {}};
    pg::Send rows = keep;
    rows.format = pg::Format::Binary;
    rows.single_row = true;
    flight.send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}, keep, kBegin);
    flight.send(rows_sql_, pg::Parameters().int8(settled_).int8(queried), rows, kRows);
    flight.send(facts_sql_, {}, keep, kFacts);
    flight.send("COMMIT", {}, keep, kCommit);
    failure = flight.sync([&](std::size_t tag, pg::Result&& result) {
      if (tag == kRows && result.rows() == 1 && !unreadable) {
        take(result.get());
      } else if (tag == kFacts) {
        facts.highest = result.is_null(0, 0) ? 0 : result.int8(0, 0);
        facts.last_value = result.int8(0, 1);
        facts.in_recovery = result.boolean(0, 2);
        facts.backend_pid = result.int8(0, 3);
        facts.inserted = result.int8(0, 4);
        facts.flushed = result.int8(0, 5);
        facts.fingerprint = std::string(result.bytes(0, 6));
        facts.below_one = result.boolean(0, 7);
        facts.highest_event = std::string(result.bytes(0, 8));
      }
    });
  }
  if (failure) {
    if (!connection_.at_rest()) {
      connection_.exec("ROLLBACK");
    }
    if (failure->tag != kRows || !may_be_of_one_row(failure->error) || rows_read >= queried) {
      throw failure->error;
    }
    unreadable = unreadable.value_or(rows_read);
  }
  readable_rows_ = unreadable;
  if (unreadable) {
    return std::nullopt;
  }
  window.end_of_snapshot();
  learn(window.rows(), window.bytes());
  return facts;
}

void SettledReader::check(const Facts& facts) const {
  if (facts.in_recovery || facts.fingerprint != store_.fingerprint || facts.below_one || facts.last_value < 0) {
    throw StoreChanged("the event store was changed");
  }
  if (facts.backend_pid != store_.backend_pid) {
    throw StoreRefused(
        "event_store.dsn leads through a connection pooler that gives each transaction another session, so "
        "a crash of the server would go unnoticed. Cure: connect to the server itself, or to a pooler in "
        "session mode");
  }
  const std::int64_t used = std::max(facts.highest, settled_);
  if (facts.last_value < used) {
    throw StoreRefused(fmt::format("events reach position {}, but the sequence {} has handed out positions only up to "
                                   "{}: rows came with positions "
                                   "of their own (an import, an attached table), or the sequence was set back, and new "
                                   "events would come in between "
                                   "or collide. Cure: SELECT setval({}, {})",
                                   used, store_.sequence, facts.last_value, pg::quote_literal(store_.sequence), used));
  }
}

void SettledReader::wait_for_holders(Look& look, LockHolders& holders) {
  const auto began = base::Clock::now();
  auto described = base::TimePoint();
  base::Duration pause = kFirstPause;
  bool reported = false;
  while (!holders.empty()) {
    const auto waited = base::Clock::now() - began;
    if (!look.has_gap() && (!look.beyond() || waited > kPatience)) {
      break; // all rows of this look are handed over; the next look reads the others
    }
    if (look.has_gap() && waited >= options_.gap_report_after &&
        base::Clock::now() - described >= std::chrono::seconds(1)) {
      described = base::Clock::now();
      sink_.waiting(
          fmt::format("gap {} waits for {}", ranges_text(look.window.gaps().missing()), holders.describe(store_.role)),
          !reported);
      reported = true;
    }
    if (!stop_.wait_for(pause)) {
      throw pg::Interrupted();
    }
    pause = std::min(pause * 2, kLongestPause);
    const auto ticket = sink_.query_begins();
    const bool gone = holders.refresh();
    sink_.query_ended(ticket);
    sink_.flushed(holders.flushed());
    if (gone && !holders.empty()) {
      read_filled(look);
    }
  }
  if (reported) {
    sink_.waiting("", false);
  }
  if (holders.empty()) {
    end_look(look);
  }
}

/// All transactions that held the lock have ended: a position at or below the look's highest row that a new snapshot
/// does not show will never be filled.
void SettledReader::end_look(Look& look) {
  for (std::size_t read = 0; look.has_gap() && read < most_bytes();) {
    const std::size_t held = look.window.bytes();
    const auto to = read_missing(look, settled_);
    if (!to) {
      break;
    }
    look.window.close(*to);
    read += look.window.bytes() - held;
    publish_contiguous(look);
  }
  if (settled_ < look.facts.highest) {
    // The history readers read on demand the rows that did not fit into this look, and those that cannot be read.
    publish({}, look.facts.highest, insert_position());
  }
}

/// Called when some of the transactions have ended: rows that have filled a gap need not wait for the others.
void SettledReader::read_filled(Look& look) {
  std::int64_t above = settled_;
  while (look.window.bytes() < 2 * most_bytes() && look.has_gap() && look.window.gaps().missing().back().to > above) {
    const auto to = read_missing(look, above);
    if (!to) {
      return;
    }
    above = *to;
    publish_contiguous(look);
  }
}

/// Reads the first missing ranges above a position, of which there is one at least, in a new snapshot and adds what is
/// there now to the look's rows. Returns the position up to which all missing ranges have been read; nothing if one of
/// the rows cannot be read.
std::optional<std::int64_t> SettledReader::read_missing(Look& look, std::int64_t above) {
  const std::int64_t limit = row_limit();
  std::vector<std::int64_t> after, to;
  for (const PositionRange& range : look.window.gaps().missing_above(above, limit)) {
    after.push_back(range.after);
    to.push_back(range.to);
  }
  const std::size_t held = look.window.bytes();
  std::int64_t rows = 0, last = above;
  bool full = false, unreadable = false, twice = false;
  const auto take = [&](const pg::Result& result) {
    try {
      const std::int64_t position = decode_position(result.get(), 0);
      unreadable = twice = rows > 0 && position == last;
      full = full || rows == limit;
      if (!unreadable && !full) {
        last = position;
        if (const auto event = decode_row(result.get(), 0); lacks_text(event)) {
          look.window.add_unread_filling(last);
        } else {
          look.window.add_filling(event);
        }
        ++rows;
      }
    } catch (const UnreadableEvent&) {
      unreadable = true;
    }
    const bool more = !full && !unreadable;
    full = full || look.window.bytes() - held >= most_bytes();
    return more;
  };
  try {
    connection_.stream(missing_sql_, pg::Parameters().int8_array(after).int8_array(to).int8(limit + 1),
                       pg::Format::Binary, take);
  } catch (const pg::Error& error) {
    if (!may_be_of_one_row(error)) {
      throw;
    }
    unreadable = true;
  }
  if (twice) {
    look.window.drop_filling(); // the first row of that position is among them
  } else {
    look.window.end_of_filling();
  }
  look.inserted = insert_position();
  return unreadable ? std::nullopt : std::optional(full ? last : to.back());
}

void SettledReader::publish_contiguous(Look& look) {
  std::vector<SegmentPtr> segments = look.window.take_contiguous();
  const std::int64_t to = look.window.gaps().contiguous();
  if (to > settled_) {
    publish(std::move(segments), to, look.inserted);
  }
}

void SettledReader::publish(std::vector<SegmentPtr> segments, std::int64_t settled, WalPosition needed) {
  settled_ = std::max(settled_, settled);
  sink_.publish(std::move(segments), settled_, flush_needed(needed, store_.wal_block_size, store_.wal_segment_size));
}

std::int64_t SettledReader::row_limit() const {
  return std::clamp(static_cast<std::int64_t>(most_bytes() / average_bytes_), kFewestRows, kMostRows);
}

std::size_t SettledReader::most_bytes() const {
  return std::max<std::size_t>(options_.memory / 16, kSegmentBytes);
}

WalPosition SettledReader::insert_position() {
  return connection_.exec("SELECT " + store_.inserted_sql).int8(0, 0);
}

/// The estimate rises at once and falls slowly, so that large events are seldom read only to be left out.
void SettledReader::learn(std::size_t rows, std::size_t bytes) {
  if (rows != 0) {
    const std::size_t now = bytes / rows;
    average_bytes_ = std::max(now, (3 * average_bytes_ + now) / 4);
  }
}

} // namespace projector::eventlog
