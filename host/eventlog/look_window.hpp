#pragma once

#include "base/clock.hpp"
#include "eventlog/gap_tracker.hpp"
#include "eventlog/segment_builder.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace projector::eventlog {

/// The rows that one look has read and not yet handed over, and which positions between them are missing. Rows come
/// first from the look's own snapshot, then from later ones that show what has filled a gap. Owned by a look, used on
/// the tail's thread.
class LookWindow {
public:
  /// `most_bytes`: what the rows of the look's snapshot may take in memory; one row may exceed it alone. `builder`
  /// outlives the window; nobody else uses it meanwhile.
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
  /// What is still missing at or below `position` will never come.
  void close(std::int64_t position) { gaps_.close(position); }

  /// Segments from the look's beginning, or the end of the ones taken before, up to gaps().contiguous(); without a hole
  /// but for rows that were not read.
  std::vector<SegmentPtr> take_contiguous();

  [[nodiscard]] const GapTracker& gaps() const noexcept { return gaps_; }
  /// Memory of the rows that are held.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; } ///< read of the look's snapshot

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
  std::int64_t taken_to_;             ///< up to here segments were finished as contiguous, or rows were not read
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
