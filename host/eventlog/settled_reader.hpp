#pragma once

#include "base/stop.hpp"
#include "eventlog/lock_holders.hpp"
#include "eventlog/look_window.hpp"
#include "eventlog/segment_builder.hpp"
#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace projector::eventlog {

/// The store was changed in a way that concerns its check, which has to be repeated.
class StoreChanged : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Finds out up to which position nothing can appear any more, and hands over the events on the way. A *look* reads all
/// rows above the settled position in one snapshot. Rows without a gap below them are settled. A gap below a visible
/// row belongs to a transaction that drew its position before that snapshot, and so held the sequence's lock then.
/// After all transactions that hold the lock now have ended, a new snapshot shows which positions of the gap were
/// filled; the others never will be. A row that cannot be read is settled like any other; the history readers report it
/// to the cursors that reach it. Owned by the tail, used on its thread; does not survive its connection.
class SettledReader {
public:
  /// Receives the results of looks, on the tail's thread.
  struct Sink {
    virtual ~Sink() = default;
    /// A query is about to be sent. Once its result has come, query_ended() is called with the ticket.
    virtual std::uint64_t query_begins() = 0;
    virtual void query_ended(std::uint64_t ticket) = 0;
    /// Called for each successful look. `highest` is the position of the highest row, or the settled position if that
    /// is higher; `row` is the highest row.
    virtual void seen(std::int64_t last_value, std::int64_t highest, const EventMark& row) = 0;
    /// Everything at or below `settled` is settled, and on disk once the log is flushed up to `needed`. The segments
    /// cover the range from the former settled position to this one, or a part of it, or nothing.
    virtual void publish(std::vector<SegmentPtr> segments, std::int64_t settled, WalPosition needed) = 0;
    virtual void flushed(WalPosition position) = 0;
    /// What the reader waits for because of a gap; empty when the wait is over. `long_wait`: it has taken longer than
    /// usual.
    virtual void waiting(const std::string& why, bool long_wait) = 0;
  };
  struct Options {
    std::uint64_t incarnation = 0;
    std::size_t memory = 64u << 20;
    std::shared_ptr<Region> region; ///< where segments are built
    base::Duration gap_report_after = std::chrono::seconds(3);
  };

  SettledReader(pg::Connection& connection, Store store, std::int64_t settled, Options options, Sink& sink,
                const base::Stop& stop);

  /// One look, including its wait. True: the settled position rose. Throws StoreRefused with the cure if a row is above
  /// the sequence, StoreChanged, pg::Error, pg::Interrupted. Also then only settled events were handed over, and the
  /// connection, if usable, is in no transaction.
  bool look();

  /// Called after a new check of the same store. The reader goes on waiting for positions that were drawn from an
  /// earlier sequence.
  void adopt(Store store);
  [[nodiscard]] const Store& store() const noexcept { return store_; }
  [[nodiscard]] std::int64_t settled() const noexcept { return settled_; }
  /// Whether the last look left rows unread.
  [[nodiscard]] bool behind() const noexcept { return behind_; }

private:
  /// What a look's snapshot shows besides rows.
  struct Facts {
    std::int64_t highest = 0;  ///< highest position of all rows, read by the look or not
    std::string highest_event; ///< its event_id
    std::int64_t last_value = 0;
    bool below_one = false; ///< there is a row with a position below 1
    bool in_recovery = false;
    std::int64_t backend_pid = 0;
    WalPosition inserted = 0;
    WalPosition flushed = 0;
    std::string fingerprint;
  };
  struct Look;

  bool attempt();
  [[nodiscard]] std::optional<Facts> read_snapshot(LookWindow& window);
  void check(const Facts& facts) const;
  [[nodiscard]] std::optional<std::int64_t> read_missing(Look& look, std::int64_t above);
  void read_filled(Look& look);
  void wait_for_holders(Look& look, LockHolders& holders);
  void end_look(Look& look);
  void publish_contiguous(Look& look);
  void publish(std::vector<SegmentPtr> segments, std::int64_t settled, WalPosition needed);
  [[nodiscard]] WalPosition insert_position();
  [[nodiscard]] std::int64_t row_limit() const; ///< for one query
  [[nodiscard]] std::size_t most_bytes() const; ///< memory for the rows of one query
  void learn(std::size_t rows, std::size_t bytes);

  pg::Connection& connection_;
  Store store_;
  std::int64_t settled_;
  bool behind_ = false;
  const Options options_;
  Sink& sink_;
  const base::Stop& stop_;
  std::vector<std::uint32_t> sequences_; ///< oids, also of sequences that the table used before
  std::string rows_sql_, facts_sql_, missing_sql_;
  std::optional<std::int64_t> readable_rows_; ///< number of rows before one that cannot be read
  std::size_t average_bytes_ = 16384;         ///< estimated size of an event
  SegmentBuilder builder_;
};

} // namespace projector::eventlog
