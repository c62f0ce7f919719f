#include "eventlog/read_plan.hpp"

#include <algorithm>

namespace projector::eventlog {
namespace {

constexpr std::int64_t kMostRows = 16384;
constexpr std::int64_t kMostFilteredRows = 4096;
/// A filter that hardly ever matches must not make a query run over the whole table.
constexpr std::int64_t kMostFilteredSpan = 1'000'000;
constexpr std::int64_t kMostSpread = 1 << 20;
constexpr std::size_t kSegmentsAhead = 8;

/// Whether a cursor with this `not_before` can use the rows of the read.
bool is_new_enough(const HistoryRead& read, base::TimePoint not_before) {
  return !read.running || read.began >= not_before;
}

} // namespace

HistoryRead* ReadPlan::covering(std::int64_t position, base::TimePoint not_before) const {
  for (const auto& read : reads_) {
    if (!read->only_for && read->progress <= position && position < read->to && is_new_enough(*read, not_before)) {
      return read.get();
    }
  }
  return nullptr;
}

/// Cursors that are behind read in several ranges of positions; each range gets an equal share of the memory.
std::size_t ReadPlan::bytes_of_a_read(const View& view) const {
  std::size_t places = 0;
  std::int64_t last = 0;
  for (const std::int64_t position : view.positions) {
    if (position < view.settled && (places == 0 || position - last > kMostRows)) {
      ++places;
    }
    last = position;
  }
  return std::max(kSegmentBytes, memory_ / std::max<std::size_t>(4, 2 * places));
}

std::int64_t ReadPlan::rows_of_a_read(const View& view) const {
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(bytes_of_a_read(view) / average_bytes_), 1, kMostRows);
}

void ReadPlan::add(std::int64_t position, bool demanded, const View& view) {
  auto read = std::make_shared<HistoryRead>();
  read->after = read->progress = position;
  read->limit = rows_of_a_read(view);
  read->to =
      std::min({view.settled, position + read->limit * spread_, view.cache.next_start(position, view.not_before)});
  for (const auto& other : reads_) {
    if (!other->only_for && other->progress > position && is_new_enough(*other, view.not_before)) {
      read->to = std::min(read->to, other->progress);
    }
  }
  read->incarnation = view.incarnation;
  read->demanded = demanded;
  reads_.push_back(std::move(read));
}

void ReadPlan::demand(std::int64_t position, const View& view) {
  if (HistoryRead* read = covering(position, view.not_before)) {
    read->demanded = true;
  } else {
    add(position, true, view);
  }
}

void ReadPlan::demand_filtered(std::int64_t position, std::shared_ptr<CursorState> cursor, std::size_t bytes,
                               std::size_t event_bytes, const View& view) {
  for (const auto& read : reads_) {
    if (read->only_for == cursor) {
      return;
    }
  }
  auto read = std::make_shared<HistoryRead>();
  read->after = read->progress = position;
  read->to = std::min(view.settled, position + kMostFilteredSpan);
  read->limit = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(bytes / (event_bytes == 0 ? average_bytes_ : event_bytes)), 1, kMostFilteredRows);
  read->incarnation = view.incarnation;
  read->only_for = std::move(cursor);
  read->demanded = true;
  reads_.push_back(std::move(read));
}

void ReadPlan::ahead(std::int64_t position, const View& view) {
  std::int64_t end = position;
  for (std::size_t segments = 0; end < view.settled;) {
    if (segments >= kSegmentsAhead) {
      return;
    }
    if (const SegmentPtr segment = view.cache.find(end, view.not_before)) {
      end = segment->to();
      ++segments;
    } else if (const HistoryRead* read = covering(end, view.not_before)) {
      segments += 1 + static_cast<std::size_t>((read->to - read->progress) / spread_) / kSegmentEvents;
      end = read->to;
    } else {
      break;
    }
  }
  if (end < view.settled && reads_.size() < 2 * readers_ && has_room(rows_of_a_read(view), view)) {
    add(end, false, view);
  }
}

bool ReadPlan::has_room(std::int64_t limit, const View& view) const {
  std::int64_t rows = limit;
  for (const auto& read : reads_) {
    rows += std::min(read->limit, (read->to - read->progress) / spread_ + 1);
  }
  const std::size_t coming = static_cast<std::size_t>(rows) * average_bytes_;
  return coming <= memory_ && view.cache.needed_within(2 * limit * spread_, view.positions) + coming <= memory_;
}

std::shared_ptr<HistoryRead> ReadPlan::take() {
  std::shared_ptr<HistoryRead> best;
  for (const auto& read : reads_) {
    if (!read->running && (!best || (read->demanded && !best->demanded))) {
      best = read;
    }
  }
  if (best) {
    best->running = true;
    best->began = base::Clock::now();
  }
  return best;
}

void ReadPlan::finished(const HistoryRead& read, std::int64_t rows, bool complete) {
  std::erase_if(reads_, [&](const auto& other) { return other.get() == &read; });
  if (read.only_for) {
    return;
  }
  // The range of the next read depends on how many positions of this one had an event.
  if (!complete) {
    spread_ = std::max<std::int64_t>(spread_ / 2, 1);
  } else if (rows * 4 < read.limit && read.to - read.after >= read.limit * spread_) {
    spread_ = std::min(spread_ * 2, kMostSpread);
  }
}

/// The estimate rises at once and falls slowly, so that after one read that was too large the next ones are not.
void ReadPlan::learn(const Segment& segment) {
  if (!segment.events().empty()) {
    const std::size_t now = segment.bytes() / segment.events().size() + 1;
    average_bytes_ = std::max(now, (3 * average_bytes_ + now) / 4);
  }
}

} // namespace projector::eventlog
