#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace projector::test {

/// Creates the event store's tables in a database.
void create_event_store(const std::string& dsn);

/// Writers that fill `events` in every way that disturbs the order of positions: short and held transactions, positions
/// drawn ahead of the INSERT, rollbacks, savepoints rolled back, ON CONFLICT, many rows per statement, prepared
/// transactions, COPY. Each writes UserCreated, OrderPlaced and OrderShipped events for random aggregates. They go on
/// after a crash of the server. Owned by a test.
class EventWriters {
public:
  struct Options {
    std::uint32_t writers = 8;
    std::uint64_t events = 10000; ///< committed by all together, at least; they end by themselves then
    bool asynchronous = true;     ///< synchronous_commit = off
    std::uint32_t seed = 1;
    std::uint32_t pause_us = 0; ///< between two transactions of one writer
    bool two_phase = true;
  };
  EventWriters(std::string dsn, Options options);
  ~EventWriters(); ///< stops and joins
  void join(); ///< waits until `events` are written, and ends prepared transactions that a crash has left; the server
               ///< must run
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  [[nodiscard]] bool done() const noexcept { return written_ >= options_.events; }

private:
  void write(std::uint32_t writer);

  std::string dsn_;
  Options options_;
  std::atomic<std::uint64_t> written_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<std::jthread> threads_;
};

/// Rows by which the read model of a shipped plugin differs from what SQL computes from `events`; 0 when it is right.
/// `projection` is the projection's name, which begins its tables' names.
std::int64_t read_model_difference(const std::string& dsn, const std::string& plugin, const std::string& projection);

/// The single value of a query, as text; empty if it is NULL or there is no row.
std::string query_value(const std::string& dsn, const std::string& sql);

} // namespace projector::test
