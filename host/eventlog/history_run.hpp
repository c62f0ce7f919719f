#pragma once

#include "base/stop.hpp"
#include "eventlog/segment_builder.hpp"
#include "eventlog/shared_log.hpp"
#include "eventlog/store_check.hpp"
#include "eventlog/unreadable_event.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <optional>

namespace projector::eventlog {

/// One history read while it is carried out: queries the events and hands over segments of them. Owned by a history
/// reader for the time of the read; its thread only. What it is made with outlives it.
class HistoryRun {
public:
  HistoryRun(pg::Connection& connection, const Store& store, SharedLog& shared, SegmentBuilder& builder,
             HistoryRead& read, const base::Stop& stop);

  /// Reads until the range is covered, the read's limit is reached, or nobody needs the rest. An event that cannot be
  /// handed over ends it, too: it is returned, and all before it was handed over. Throws pg::Error, pg::Interrupted.
  std::optional<UnreadableEvent> run();

  [[nodiscard]] std::int64_t rows() const noexcept { return rows_; } ///< that were handed over
  [[nodiscard]] bool complete() const noexcept { return from_ == read_.to; }

private:
  void query();
  bool take(const pg::Result& row);
  void refuse_repeated(std::int64_t position) const;
  bool append(const projector_event& event);
  void find_cause(const pg::Error& error);
  void read_large();
  void cut(std::int64_t to);
  [[nodiscard]] std::int64_t last_position() const;

  pg::Connection& connection_;
  const Store& store_;
  SharedLog& shared_;
  SegmentBuilder& builder_;
  HistoryRead& read_;
  const base::Stop& stop_;
  std::int64_t from_; ///< up to here everything is handed over
  std::int64_t rows_ = 0;
  bool wanted_ = true;
  bool more_ = false; ///< there is a row above the read's limit
  std::optional<std::int64_t> large_;
  std::optional<UnreadableEvent> unreadable_;
};

} // namespace projector::eventlog
