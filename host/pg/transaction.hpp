#pragma once

#include "pg/connection.hpp"

#include <string_view>

namespace projector::pg {

/// A transaction of a connection. The destructor rolls it back if it was not committed. The connection outlives it, and
/// is closed if the rollback fails.
class Transaction {
public:
  /// `begin` is BEGIN, with further statements without parameters such as SET LOCAL. Throws like Connection::script.
  explicit Transaction(Connection& connection, std::string_view begin = "BEGIN ISOLATION LEVEL READ COMMITTED");
  /// For a transaction that a pipeline begins, and may end, while this object lives.
  struct OfPipeline {};
  Transaction(Connection& connection, OfPipeline) noexcept : connection_(connection) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Throws Error, also if the server rolled back instead because a statement had failed.
  void commit();
  void rollback() noexcept;

private:
  Connection& connection_;
  bool open_ = true;
};

/// The BEGIN of a transaction that reads in one snapshot.
inline constexpr std::string_view kBeginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

} // namespace projector::pg
