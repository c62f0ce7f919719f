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
  std::shared_ptr<CursorState>
      only_for;          ///< the only cursor that gets the rows; its filter is in the query. Null: the cache gets them
  bool demanded = false; ///< a cursor waits for it
  bool running = false;
  base::TimePoint began;     ///< while it is running
  std::int64_t progress = 0; ///< its segments up to here are delivered
  std::size_t reserved = 0;  ///< memory that the cache may not use while it is running
};

/// Which reads of the table are running or planned, so that two cursors that need the same range wait for one read.
/// Guarded by SharedLog's mutex.
class ReadPlan {
public:
  /// `readers`: how many reads can run at once.
  ReadPlan(std::size_t memory, std::size_t readers) : memory_(memory), readers_(readers) {}

  /// The state on which a cursor's request depends.
  struct View {
    const SegmentCache& cache;
    std::int64_t settled;
    std::uint64_t incarnation;
    std::span<const std::int64_t> positions; ///< of all cursors, sorted
    base::TimePoint not_before = {};         ///< the cursor cannot use events that were read before
  };

  /// Makes sure that a read into the cache will cover position + 1, which is settled.
  void demand(std::int64_t position, const View& view);
  /// Plans the next read if too little after `position` is cached or being read, and if there is memory for it.
  void ahead(std::int64_t position, const View& view);
  /// Plans a read of about `bytes` with the cursor's own filter, unless one is planned or running. `event_bytes`:
  /// average size of the cursor's events; 0 if not known yet.
  void demand_filtered(std::int64_t position, std::shared_ptr<CursorState> cursor, std::size_t bytes,
                       std::size_t event_bytes, const View& view);

  /// Starts the most urgent planned read: the caller has to carry it out. Null if there is none.
  std::shared_ptr<HistoryRead> take();
  /// The read has ended after `rows` rows. `complete`: it has covered its whole range.
  void finished(const HistoryRead& read, std::int64_t rows, bool complete);
  /// Updates the estimated size of an event.
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
  std::size_t average_bytes_ = 4096; ///< estimated size of an event in memory
  std::int64_t spread_ = 1;          ///< estimated number of positions per event
};

/// Cursors no farther apart than this many positions share what is read.
inline constexpr std::int64_t kNear = 65536;

} // namespace projector::eventlog
