#pragma once

#include "base/stop.hpp"
#include "eventlog/event_log.hpp"

#include <projector/plugin.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace projector::projection {

/// Names an event in messages: its position, type and aggregate.
std::string describe(const projector_event& event);

/// The events of one handle call, cut from settled segments for one partition. Events lie in segments that the batch
/// keeps alive, or in copies of its own where few of a large segment match. Owned by the worker; its thread only.
class Batch {
public:
  [[nodiscard]] const std::vector<const projector_event*>& events() const noexcept { return events_; }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  /// The checkpoint before and after: with after < position <= to, everything that matches is in events().
  [[nodiscard]] std::int64_t after() const noexcept { return after_; }
  [[nodiscard]] std::int64_t to() const noexcept { return to_; }
  /// How much memory stays allocated because of this batch.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t incarnation() const noexcept { return incarnation_; }
  /// When the oldest of its events was read.
  [[nodiscard]] base::TimePoint read_at() const noexcept { return read_at_; }

private:
  friend class BatchCutter;
  std::vector<const projector_event*> events_;
  std::vector<std::shared_ptr<const eventlog::Segment>> segments_;
  std::vector<eventlog::Region::Block> copies_;
  std::int64_t after_ = 0;
  std::int64_t to_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t incarnation_ = 0;
  base::TimePoint read_at_;
};

struct BatchLimits {
  std::uint32_t events = 100;
  std::uint64_t bytes = 8u << 20; ///< one event may exceed it alone
  /// No batch goes beyond this position, with or without events; above the position that a batch follows.
  std::int64_t up_to = std::numeric_limits<std::int64_t>::max();
};

/// Cuts batches from the log for one worker. Owned by the worker; its thread only.
class BatchCutter {
public:
  /// `not_before`: see EventLog::cursor.
  BatchCutter(eventlog::EventLog& log, eventlog::Filter filter, bool durable_only,
              base::TimePoint not_before = base::Clock::now());

  struct Cut {
    eventlog::Cursor::Status status = eventlog::Cursor::Status::Segment; ///< Segment: there is a batch
    std::string reason;                                                  ///< with Halted
  };
  /// Fills `batch` with the events that follow `after`: waits for the first segment until the deadline, takes further
  /// segments that are cached or being read, and ends early once it has scanned events that do not match for
  /// `scan_limit`. The batch may have no event; to() has advanced then.
  Cut cut(Batch& batch, std::int64_t after, const BatchLimits& limits, base::TimePoint deadline,
          base::Duration scan_limit, const base::Stop& stop);
  void restarted() { cursor_->restarted(); }

private:
  bool take(Batch& batch, const std::shared_ptr<const eventlog::Segment>& segment, const BatchLimits& limits);
  std::size_t copy_matching(Batch& batch, const eventlog::Segment& segment, std::size_t bytes);
  [[nodiscard]] base::TimePoint fill_deadline(std::int64_t position) const;
  void match_kinds(const eventlog::Segment& segment);

  eventlog::EventLog& log_;
  eventlog::Filter filter_;
  std::unique_ptr<eventlog::Cursor> cursor_;
  std::vector<char> kind_matches_;
  std::vector<std::uint32_t> matching_;
};

} // namespace projector::projection
