#pragma once

#include "pg/connection.hpp"

#include <string_view>

namespace projector::pg {

/// A transaction of a connection, rolled back when destroyed before its commit. The connection outlives it, and is
/// closed where it cannot be rolled back.
class Transaction {
public:
  /// `begin` holds BEGIN and, after it, statements without parameters such as SET LOCAL. Throws as Connection::script.
  explicit Transaction(Connection& connection, std::string_view begin = "BEGIN ISOLATION LEVEL READ COMMITTED");
  /// Of a transaction that a pipeline begins, and may end, while this lives.
  struct OfPipeline {};
  Transaction(Connection& connection, OfPipeline) noexcept : connection_(connection) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// Throws Error, also where the server rolled back instead because a statement had failed.
  void commit();
  void rollback() noexcept;

private:
  Connection& connection_;
  bool open_ = true;
};

/// What a program that reads once begins with: one snapshot, no writes, and nothing that outlives the transaction.
inline constexpr std::string_view kBeginReading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

} // namespace projector::pg
