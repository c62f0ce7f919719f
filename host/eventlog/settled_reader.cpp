#include "eventlog/settled_reader.hpp"

#include "eventlog/row_decoder.hpp"
#include "pg/pipeline.hpp"

#include <fmt/core.h>
#include <poll.h>

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

struct SettledReader::Window {
  explicit Window(std::int64_t settled) : gaps(settled) {}

  base::TimePoint began = base::Clock::now();
  GapTracker gaps;
  std::vector<SegmentPtr> contiguous; ///< ready to be published
  std::vector<Row> rows;              ///< above the first gap, in order
  std::size_t bytes = 0;              ///< text that is held, not yet published
  std::size_t contiguous_bytes = 0;   ///< of that, in `contiguous`
  bool cut_off = false;               ///< rows were left out because they are too large together
  std::int64_t highest = 0;           ///< position in the look's snapshot, whether its row was read or not
  std::int64_t last_value = 0;
  bool in_recovery = false;
  std::int64_t backend_pid = 0;
  WalPosition inserted = 0; ///< after the newest snapshot that rows come from
  WalPosition flushed = 0;
  std::string fingerprint;
  [[nodiscard]] bool beyond() const { return highest > gaps.highest(); }
};

SettledReader::SettledReader(pg::Connection& connection, Store store, std::int64_t settled, Options options, Sink& sink,
                             const base::Stop& stop)
    : connection_(connection), settled_(settled), options_(options), sink_(sink), stop_(stop) {
  adopt(std::move(store));
}

void SettledReader::adopt(Store store) {
  store_ = std::move(store);
  if (std::find(sequences_.begin(), sequences_.end(), store_.sequence_oid) == sequences_.end()) {
    sequences_.push_back(store_.sequence_oid);
  }
  rows_sql_ = fmt::format("SELECT {} FROM {} WHERE global_position > $1 ORDER BY global_position LIMIT $2",
                          kEventColumns, store_.table);
  facts_sql_ = fmt::format("SELECT (SELECT max(global_position) FROM {}), {}, pg_is_in_recovery(), pg_backend_pid(), "
                           "(pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint, "
                           "(pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint, {} FROM {} s",
                           store_.table, kLastValueSql, store_.fingerprint_sql, store_.sequence);
  missing_sql_ = fmt::format("SELECT e.* FROM unnest($1::bigint[], $2::bigint[]) AS r(above, upto) CROSS JOIN LATERAL "
                             "(SELECT {} FROM {} WHERE global_position > r.above AND global_position <= r.upto "
                             "ORDER BY global_position LIMIT $3) e ORDER BY e.global_position LIMIT $3",
                             kEventColumns, store_.table);
}

bool SettledReader::look() {
  const std::int64_t before = settled_;
  Window window(settled_);
  const auto ticket = sink_.asked();
  read_window(window);
  sink_.answered(ticket);
  check(window);
  sink_.seen(window.last_value, std::max(window.highest, settled_));
  sink_.flushed(window.flushed);
  publish_contiguous(window);
  if (!window.gaps.missing().empty() || window.beyond()) {
    // Only here, after the snapshot: whoever drew a position below a visible row had the lock then, or is done by now.
    LockHolders holders(connection_, store_, sequences_);
    wait_for_holders(window, holders);
  }
  behind_ = settled_ < window.highest;
  return settled_ != before;
}

void SettledReader::read_window(Window& window) {
  const std::int64_t limit = row_limit();
  std::int64_t count = 0;
  std::vector<SegmentPtr> above;
  std::int64_t from = settled_; // where the segment being built begins
  const auto cut = [&](bool is_contiguous) {
    if (!builder_.empty()) {
      const std::int64_t to = builder_.last_position();
      auto segment = builder_.finish(from, to, options_.incarnation, window.began);
      from = to;
      (is_contiguous ? window.contiguous : above).push_back(std::move(segment));
    }
  };
  const auto take = [&](const projector_event& event) {
    const std::size_t size = text_bytes(event);
    if (window.cut_off || window.bytes + size > most_bytes()) {
      window.cut_off = count > 0 || window.cut_off;
      if (window.cut_off) {
        return;
      }
    }
    const bool was_contiguous = window.gaps.missing().empty();
    const bool gap = event.global_position != window.gaps.highest() + 1;
    if (builder_.full_for(size) || (was_contiguous && gap)) {
      cut(was_contiguous);
    }
    window.gaps.add(event.global_position);
    builder_.append(event);
    window.bytes += size;
    if (window.gaps.missing().empty()) {
      window.contiguous_bytes += size;
    }
    ++count;
  };

  builder_.clear();
  std::optional<pg::Pipeline::Failure> failure;
  {
    pg::Pipeline flight(connection_);
    const pg::Send keep{
        .prepare = pg::Send::Prepare::Keep, .format = pg::Format::Text, .single_row = false, .scope = {}};
    pg::Send rows = keep;
    rows.format = pg::Format::Binary;
    rows.single_row = true;
    flight.send("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}, keep, 0);
    flight.send(rows_sql_, pg::Parameters().int8(settled_).int8(limit), rows, 1);
    flight.send(facts_sql_, {}, keep, 2);
    flight.send("COMMIT", {}, keep, 3);
    failure = flight.sync([&](std::size_t tag, pg::Result&& result) {
      if (tag == 1 && result.rows() == 1) {
        take(decode_row(result.get(), 0));
      } else if (tag == 2) {
        window.highest = result.is_null(0, 0) ? 0 : result.int8(0, 0);
        window.last_value = result.int8(0, 1);
        window.in_recovery = result.boolean(0, 2);
        window.backend_pid = result.int8(0, 3);
        window.inserted = result.int8(0, 4);
        window.flushed = result.int8(0, 5);
        window.fingerprint = std::string(result.bytes(0, 6));
      }
    });
  }
  if (failure) {
    if (!connection_.at_rest()) {
      connection_.exec("ROLLBACK");
    }
    throw failure->error;
  }
  cut(window.gaps.missing().empty());
  for (const SegmentPtr& segment : above) {
    for (std::size_t index = 0; index < segment->events().size(); ++index) {
      window.rows.push_back({segment->events()[index].global_position, segment, index});
    }
  }
  learn(static_cast<std::size_t>(count), window.bytes);
}

void SettledReader::check(const Window& window) const {
  if (window.in_recovery || window.fingerprint != store_.fingerprint) {
    throw StoreChanged("the event store was changed");
  }
  if (window.backend_pid != store_.backend_pid) {
    throw StoreRefused(
        "event_store.dsn leads through a connection pooler that gives each transaction another session, so "
        "a crash of the server would go unnoticed. Cure: connect to the server itself, or to a pooler in "
        "session mode");
  }
  const std::int64_t used = std::max(window.highest, settled_);
  if (window.last_value < used) {
    throw StoreRefused(fmt::format("events reach position {}, but the sequence {} has handed out positions only up to "
                                   "{}: rows came with positions "
                                   "of their own (an import, an attached table), or the sequence was set back, and new "
                                   "events would come in between "
                                   "or collide. Cure: SELECT setval({}, {})",
                                   used, store_.sequence, window.last_value,
                                   pg::Connection::quote_literal(store_.sequence), used));
  }
}

void SettledReader::wait_for_holders(Window& window, LockHolders& holders) {
  const auto began = base::Clock::now();
  auto described = base::TimePoint();
  base::Duration pause = kFirstPause;
  bool told = false;
  while (!holders.empty()) {
    const auto waited = base::Clock::now() - began;
    if (window.gaps.missing().empty() && (!window.beyond() || waited > kPatience)) {
      break; // all that was read is handed over; what else there is, the next look reads
    }
    const bool has_gap = !window.gaps.missing().empty();
    if (has_gap && waited >= options_.gap_report_after && base::Clock::now() - described >= std::chrono::seconds(1)) {
      described = base::Clock::now();
      sink_.waiting(
          fmt::format("gap {} waits for {}", ranges_text(window.gaps.missing()), holders.describe(store_.role)), !told);
      told = true;
    }
    pollfd stopped{stop_.fd(), POLLIN, 0};
    const timespec step{0, std::chrono::nanoseconds(pause).count()};
    if (::ppoll(&stopped, 1, &step, nullptr) > 0) {
      throw pg::Interrupted();
    }
    pause = std::min(pause * 2, kLongestPause);
    const auto ticket = sink_.asked();
    const bool gone = holders.refresh();
    sink_.answered(ticket);
    sink_.flushed(holders.flushed());
    if (gone && !holders.empty()) {
      read_filled(window);
    }
  }
  if (told) {
    sink_.waiting("", false);
  }
  if (holders.empty()) {
    end_look(window);
  }
}

/// All who held the lock are gone: what a snapshot taken now does not show at or below the look's highest row never
/// comes.
void SettledReader::end_look(Window& window) {
  for (std::size_t read = 0; !window.gaps.missing().empty() && read < most_bytes();) {
    const std::size_t held = window.bytes;
    window.gaps.close(read_missing(window, settled_));
    read += window.bytes - held;
    publish_contiguous(window);
  }
  if (settled_ < window.highest) {
    // The history readers read on demand what was too much for this look.
    publish({}, window.highest, insert_position());
  }
}

/// Some let go, others hold on: what filled a gap meanwhile need not wait for those.
void SettledReader::read_filled(Window& window) {
  std::int64_t above = settled_;
  while (window.bytes < 2 * most_bytes() && !window.gaps.missing().empty() && window.gaps.missing().back().to > above) {
    above = read_missing(window, above);
    publish_contiguous(window);
  }
}

/// Reads the first missing ranges above a position, of which there is one, in a new snapshot and merges what is there
/// now into the look's rows. Returns the position up to which all missing ranges have been read.
std::int64_t SettledReader::read_missing(Window& window, std::int64_t above) {
  const std::int64_t limit = row_limit();
  std::size_t read = 0;
  std::vector<std::int64_t> after, to, positions;
  for (const PositionRange& range : window.gaps.missing_above(above, limit)) {
    after.push_back(range.after);
    to.push_back(range.to);
  }
  std::vector<SegmentPtr> found;
  builder_.clear();
  const auto cut = [&] {
    if (!builder_.empty()) {
      found.push_back(builder_.finish(0, 0, options_.incarnation, window.began));
    }
  };
  connection_.stream(missing_sql_, pg::Parameters().int8_array(after).int8_array(to).int8(limit), pg::Format::Binary,
                     [&](const pg::Result& result) {
                       const projector_event event = decode_row(result.get(), 0);
                       const std::size_t size = text_bytes(event);
                       if (builder_.full_for(size)) {
                         cut();
                       }
                       builder_.append(event);
                       positions.push_back(event.global_position);
                       read += size;
                       return read < most_bytes();
                     });
  cut();
  window.inserted = insert_position();
  merge(window, found);
  window.gaps.fill(positions);
  window.bytes += read;
  const bool all = static_cast<std::int64_t>(positions.size()) < limit && read < most_bytes();
  return all ? to.back() : positions.back();
}

void SettledReader::merge(Window& window, const std::vector<SegmentPtr>& found) {
  const auto middle = static_cast<std::ptrdiff_t>(window.rows.size());
  for (const SegmentPtr& segment : found) {
    for (std::size_t index = 0; index < segment->events().size(); ++index) {
      window.rows.push_back({segment->events()[index].global_position, segment, index});
    }
  }
  std::inplace_merge(window.rows.begin(), window.rows.begin() + middle, window.rows.end(),
                     [](const Row& left, const Row& right) { return left.position < right.position; });
}

void SettledReader::publish_contiguous(Window& window) {
  std::vector<SegmentPtr> segments = std::move(window.contiguous);
  window.contiguous.clear();
  window.bytes -= std::exchange(window.contiguous_bytes, 0);
  const std::int64_t to = window.gaps.contiguous();
  std::int64_t from = segments.empty() ? settled_ : segments.back()->to();
  auto next = window.rows.begin();
  builder_.clear();
  for (; next != window.rows.end() && next->position <= to; ++next) {
    const projector_event& event = next->segment->events()[next->index];
    if (builder_.full_for(text_bytes(event))) {
      const std::int64_t last = builder_.last_position();
      segments.push_back(builder_.finish(from, last, options_.incarnation, window.began));
      from = last;
    }
    builder_.append(event, next->segment->aggregate_hashes()[next->index]);
    window.bytes -= text_bytes(event);
  }
  window.rows.erase(window.rows.begin(), next);
  if (from < to) {
    segments.push_back(builder_.finish(from, to, options_.incarnation, window.began));
  }
  if (to > settled_) {
    publish(std::move(segments), to, window.inserted);
  }
}

void SettledReader::publish(std::vector<SegmentPtr> segments, std::int64_t settled, WalPosition needed) {
  settled_ = std::max(settled_, settled);
  sink_.publish(std::move(segments), settled_, flush_needed(needed, store_.wal_block_size, store_.wal_segment_size));
}

std::int64_t SettledReader::row_limit() const {
  return std::clamp(static_cast<std::int64_t>(options_.memory / 8 / average_bytes_), kFewestRows, kMostRows);
}

std::size_t SettledReader::most_bytes() const {
  return std::max<std::size_t>(options_.memory / 8, kSegmentBytes);
}

WalPosition SettledReader::insert_position() {
  return connection_.exec("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint").int8(0, 0);
}

/// Rises at once and falls slowly, so that a window of large events is not asked for twice.
void SettledReader::learn(std::size_t rows, std::size_t bytes) {
  if (rows != 0) {
    const std::size_t now = bytes / rows + sizeof(projector_event);
    average_bytes_ = std::max(now, (3 * average_bytes_ + now) / 4);
  }
}

} // namespace projector::eventlog
