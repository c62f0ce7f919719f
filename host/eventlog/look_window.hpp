#pragma once

#include "base/clock.hpp"
#include "eventlog/gap_tracker.hpp"
#include "eventlog/segment_builder.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace projector::eventlog {

/// The rows that one look has read and not yet handed over, and the positions that are missing between them. The first
/// rows are those of the look's own snapshot; later snapshots add the rows that have filled a gap. Owned by a look,
/// used on the tail's thread.
class LookWindow {
public:
  /// `most_bytes`: the memory that the rows of the look's snapshot may take; a single row may exceed it. `builder`
  /// outlives the window and is used by nothing else meanwhile.
  LookWindow(std::int64_t settled, std::uint64_t incarnation, std::size_t most_bytes, SegmentBuilder& builder);

  /// The next row of the look's snapshot; positions rise. A row that exceeds the limit, and all that follow it, are
  /// left out.
  void add(const projector_event& event);
  /// The same for a row that is too large for the tail to read: no segment covers its position.
  void add_unread(std::int64_t position);
  void end_of_snapshot();

  /// The next row that a later snapshot shows in a missing range; positions rise.
  void add_filling(const projector_event& event);
  void add_unread_filling(std::int64_t position);
  void end_of_filling();
  /// Instead of end_of_filling: none of the rows since the last one is used, and their positions stay missing.
  void drop_filling();
  /// Positions that are still missing at or below `position` will never be filled.
  void close(std::int64_t position) { gaps_.close(position); }

  /// Segments up to gaps().contiguous(), from the end of those taken before, or from the look's beginning. They are
  /// adjacent, except at rows that were not read.
  std::vector<SegmentPtr> take_contiguous();

  [[nodiscard]] const GapTracker& gaps() const noexcept { return gaps_; }
  /// Memory of the rows that were not taken yet.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; } ///< number of rows read from the look's snapshot

private:
  struct Row {
    std::int64_t position;
    SegmentPtr segment; ///< null: the row was not read
    std::size_t index = 0;
  };
  void cut_snapshot();
  void cut_filling();
  void merge_held(std::size_t middle);
  void hold_back(const SegmentPtr& segment);
  SegmentPtr finish_to(std::int64_t to);

  const base::TimePoint began_ = base::Clock::now();
  const std::uint64_t incarnation_;
  const std::size_t most_bytes_;
  SegmentBuilder& builder_;
  GapTracker gaps_;
  std::int64_t taken_to_;             ///< segments are finished up to here
  std::vector<SegmentPtr> ready_;     ///< contiguous, not taken yet
  std::size_t ready_bytes_ = 0;       ///< of the rows in ready_
  std::vector<Row> held_;             ///< above the first gap, in order of position
  std::vector<std::int64_t> filling_; ///< positions of the rows of the snapshot that is being read
  std::size_t filling_bytes_ = 0;
  std::size_t bytes_ = 0;
  std::size_t rows_ = 0;
  bool full_ = false; ///< rows were left out
};

} // namespace projector::eventlog
