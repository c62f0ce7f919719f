#pragma once

#include "eventlog/segment_cache.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace projector::eventlog {

struct CursorState;

/// One query of a history reader: the events with after < position <= to, at most `limit` of them.
struct HistoryRead {
  std::int64_t after = 0;
  std::int64_t to = 0;
  std::int64_t limit = 0;
  std::uint64_t incarnation = 0;
  std::shared_ptr<CursorState> only_for; ///< with its filter in the query, past the cache; null: for everybody
  bool demanded = false;                 ///< somebody waits for it
  bool running = false;
  base::TimePoint began;     ///< while it is running
  std::int64_t progress = 0; ///< up to here its segments are handed over
  std::size_t reserved = 0;  ///< memory that the cache leaves to it while it is running
};

/// Which reads of the table are running or planned, so that two cursors that need the same range wait for one read.
/// Guarded by SharedLog's mutex.
class ReadPlan {
public:
  /// `readers`: how many reads can run at once.
  ReadPlan(std::size_t memory, std::size_t readers) : memory_(memory), readers_(readers) {}

  /// What a cursor's request of the plan is judged by.
  struct View {
    const SegmentCache& cache;
    std::int64_t settled;
    std::uint64_t incarnation;
    std::span<const std::int64_t> positions; ///< of all cursors, sorted
    base::TimePoint not_before = {};         ///< what was read before is of no use to the cursor
  };

  /// Makes sure that a read for everybody will cover position + 1, which is settled.
  void demand(std::int64_t position, const View& view);
  /// Plans the next read where too little is cached or on its way behind `position`, and memory allows it.
  void ahead(std::int64_t position, const View& view);
  /// A read of about `bytes` with the cursor's own filter, where none is planned or running yet. `event_bytes`: what an
  /// event of the cursor's takes on average, 0 where that is not known yet.
  void demand_filtered(std::int64_t position, std::shared_ptr<CursorState> cursor, std::size_t bytes,
                       std::size_t event_bytes, const View& view);

  /// The most urgent read that nobody carries out yet, which is running from now on; null where there is none.
  std::shared_ptr<HistoryRead> take();
  /// It has ended, after so many rows; `complete`: it has covered all of its range.
  void finished(const HistoryRead& read, std::int64_t rows, bool complete);
  /// What a segment tells about the size of events.
  void learn(const Segment& segment);
  void clear() { reads_.clear(); }

  [[nodiscard]] bool idle() const noexcept { return reads_.empty(); }
  [[nodiscard]] std::int64_t rows_of_a_read(const View& view) const;

private:
  [[nodiscard]] HistoryRead* covering(std::int64_t position, base::TimePoint not_before) const;
  void add(std::int64_t position, bool demanded, const View& view);
  [[nodiscard]] std::size_t bytes_of_a_read(const View& view) const;
  [[nodiscard]] bool has_room(std::int64_t limit, const View& view) const;

  std::size_t memory_;
  std::size_t readers_;
  std::vector<std::shared_ptr<HistoryRead>> reads_;
  std::size_t average_bytes_ = 4096; ///< of an event in memory; a guess until some have been read
  std::int64_t spread_ = 1;          ///< positions for each event
};

/// Cursors no farther apart than this many positions share what is read.
inline constexpr std::int64_t kNear = 65536;

} // namespace projector::eventlog
