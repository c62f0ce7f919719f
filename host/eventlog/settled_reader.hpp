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

/// What the store's check rests on has changed under an open session: check again.
class StoreChanged : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Finds out up to which position nothing can appear any more, and hands over the events on the way. A *look* reads all
/// rows above the settled position in one snapshot. Rows without a gap below them are settled. A gap below a visible
/// row belongs to a transaction that drew its position before that snapshot, and so held the sequence's lock then;
/// after everybody who holds the lock now has let go, a new snapshot shows what is in the gap, and what it does not
/// show can never come. A row that cannot be read is settled as any other; the history readers tell those who come to
/// it. Owned by the tail, used on its thread; does not survive its connection.
class SettledReader {
public:
  /// Receives what looks find out, on the tail's thread.
  struct Sink {
    virtual ~Sink() = default;
    /// A query is about to be sent; answered() gets the ticket once its result has come.
    virtual std::uint64_t asked() = 0;
    virtual void answered(std::uint64_t ticket) = 0;
    /// The sequence's last value, the highest row's position, or what was settled before where that is higher, and the
    /// highest row, in a look that found nothing wrong.
    virtual void seen(std::int64_t last_value, std::int64_t highest, const EventMark& row) = 0;
    /// Everything at or below `settled` is final, and on disk once the log is flushed up to `needed`. The segments
    /// cover what lies below it down to the settled position before, or a part of that, or nothing.
    virtual void publish(std::vector<SegmentPtr> segments, std::int64_t settled, WalPosition needed) = 0;
    virtual void flushed(WalPosition position) = 0;
    /// Why a gap waits; empty once it waits no longer. `long_wait`: it has waited for longer than is usual.
    virtual void waiting(const std::string& why, bool long_wait) = 0;
  };
  struct Options {
    std::uint64_t incarnation = 0;
    std::size_t memory = 64u << 20;
    base::Duration gap_report_after = std::chrono::seconds(3);
  };

  SettledReader(pg::Connection& connection, Store store, std::int64_t settled, Options options, Sink& sink,
                const base::Stop& stop);

  /// One look, with the wait that it may need. True: it found something new. Throws StoreRefused with the cure where a
  /// row lies above the sequence, StoreChanged, pg::Error, pg::Interrupted; in each case nothing unsafe was handed over
  /// and the connection, where usable, is in no transaction.
  bool look();

  /// After a new check of the same store. Positions drawn from the sequence that it had before are still waited for.
  void adopt(Store store);
  [[nodiscard]] const Store& store() const noexcept { return store_; }
  [[nodiscard]] std::int64_t settled() const noexcept { return settled_; }
  /// Whether the last look left something to read that it knows of.
  [[nodiscard]] bool behind() const noexcept { return behind_; }

private:
  /// The server's answers in a look's snapshot, besides rows.
  struct Facts {
    std::int64_t highest = 0;  ///< position of any row, whether the look has read that row or not
    std::string highest_event; ///< its event_id
    std::int64_t last_value = 0;
    bool below_one = false; ///< there is a row below the first position
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
  [[nodiscard]] std::int64_t row_limit() const; ///< most rows of one query
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
  std::optional<std::int64_t> readable_rows_; ///< how many rows come before one that cannot be read
  std::size_t average_bytes_ = 16384;         ///< of an event; a guess until some have been read
  SegmentBuilder builder_;
};

} // namespace projector::eventlog
