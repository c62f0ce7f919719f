#pragma once

#include "eventlog/flush_tracker.hpp"
#include "eventlog/store_check.hpp"
#include "pg/connection.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace projector::eventlog {

/// The transactions that held the sequence's lock at one moment: every transaction that drew a position before that
/// moment and has not ended yet is among them, prepared ones included. Transactions that take the lock later are not
/// added. Used by the tail's thread, outside any transaction of its connection.
class LockHolders {
public:
  /// Queries the server. `sequences` are oids.
  LockHolders(pg::Connection& connection, const Store& store, const std::vector<std::uint32_t>& sequences);

  /// Queries again, and drops the transactions that have ended. True: there were some.
  bool refresh();
  [[nodiscard]] bool empty() const noexcept { return transactions_.empty(); }
  /// How far the store's log was flushed at the last query.
  [[nodiscard]] WalPosition flushed() const noexcept { return flushed_; }
  /// Describes the transactions for operators: what they do and how to end them.
  [[nodiscard]] std::string describe(const std::string& role) const;

private:
  std::vector<std::string> query();

  pg::Connection& connection_;
  std::string flushed_sql_;
  std::string condition_;
  std::vector<std::string> transactions_; ///< virtual transaction ids, sorted
  WalPosition flushed_ = 0;
};

} // namespace projector::eventlog
