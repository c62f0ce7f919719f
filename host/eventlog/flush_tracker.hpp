#pragma once

#include <cstdint>
#include <deque>

namespace projector::eventlog {

/// A position in the store's write-ahead log, in bytes since its beginning.
using WalPosition = std::int64_t;

/// The position up to which the log must be flushed so that everything before `insert` is on disk. An insert position
/// at the first record of a page lies after the page's header, and the header is flushed only together with that
/// record: an idle server would never reach the insert position itself.
WalPosition flush_needed(WalPosition insert, std::int64_t wal_block_size, std::int64_t wal_segment_size) noexcept;

/// Tracks which settled positions the store has flushed. Used by one thread.
class FlushTracker {
public:
  explicit FlushTracker(std::int64_t durable) : durable_(durable) {}

  /// Everything at or below `settled` is on disk once the log is flushed up to `needed`. Both only rise.
  void settled(std::int64_t settled, WalPosition needed);
  /// The log is flushed up to `position`.
  void flushed(WalPosition position);
  /// The highest settled position known to be on disk.
  [[nodiscard]] std::int64_t durable() const noexcept { return durable_; }
  [[nodiscard]] bool lagging() const noexcept { return !waiting_.empty(); }

private:
  struct Waiting {
    std::int64_t settled;
    WalPosition needed;
  };
  static constexpr std::size_t kMost = 256;
  std::int64_t durable_;
  std::deque<Waiting> waiting_;
};

} // namespace projector::eventlog
